//! A way to a server that a test can cut: connections go through it until it is cut, and again when it is mended.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Listens on a port of its own as long as the process lives; ends with the test's process.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Where connections go; none while it is cut.
    target: Option<String>,
    open: Vec<Open>,
}

/// One direction of a connection.
struct Open {
    to: TcpStream,
    /// Nothing comes through any more, and nobody is told.
    is_deaf: Arc<AtomicBool>,
}

impl Proxy {
    pub(crate) fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State {
            target: Some(target.to_owned()),
            open: Vec::new(),
        }));
        let shared = state.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // While it is cut, connections are closed as soon as they are there.
                let _ = join(client, &shared);
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Breaks every connection, and each that comes.
    pub(crate) fn cut(&self) {
        let mut state = self.state.lock().unwrap();
        state.target = None;
        for open in state.open.drain(..) {
            let _ = open.to.shutdown(Shutdown::Both);
        }
    }

    /// Every connection that is open stays so, and nothing comes through it any more. Those that come are well.
    pub(crate) fn deafen(&self) {
        for open in &self.state.lock().unwrap().open {
            open.is_deaf.store(true, Ordering::SeqCst);
        }
    }

    /// Lets connections through again.
    pub(crate) fn mend(&self, target: &str) {
        self.state.lock().unwrap().target = Some(target.to_owned());
    }
}

fn join(client: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    let mut state = state.lock().unwrap();
    let Some(target) = &state.target else {
        return Ok(());
    };
    let server = TcpStream::connect(target)?;
    let is_deaf = Arc::new(AtomicBool::new(false));
    for (from, to) in [(&client, &server), (&server, &client)] {
        let to = to.try_clone()?;
        state.open.push(Open {
            to: to.try_clone()?,
            is_deaf: is_deaf.clone(),
        });
        pass(from.try_clone()?, to, is_deaf.clone());
    }
    Ok(())
}

/// Passes on what comes until either side ends.
fn pass(mut from: TcpStream, mut to: TcpStream, is_deaf: Arc<AtomicBool>) {
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if is_deaf.load(Ordering::SeqCst) {
                continue;
            }
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    });
}
