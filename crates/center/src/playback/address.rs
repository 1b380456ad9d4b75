//! Where RTP goes: names are resolved, the guard is asked, and a socket is opened.

use client::guard::Guard;
use mio::{Interest, Registry, Token};
use std::{
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};
use tokio::{net::lookup_host, time::timeout};
use url::Host;
use wire::playback::{RtpAddress, RtpHost};

/// The socket of a stream: connected, so that the kernel drops what strangers send.
pub(super) struct RtpSocket {
    socket: mio::net::UdpSocket,
    /// That nobody listens was learnt while reading: the kernel tells it once, and who sends has to know.
    refused: AtomicBool,
}

impl RtpSocket {
    /// Sends a datagram, or says why the last ones did not arrive.
    pub(super) fn send(&self, datagram: &[u8]) -> io::Result<usize> {
        let sent = self.socket.send(datagram);
        match self.refused.load(Relaxed) && self.refused.swap(false, Relaxed) {
            true => sent.and(Err(ErrorKind::ConnectionRefused.into())),
            false => sent,
        }
    }

    /// Reads a datagram; `None` when there is none. What is longer than the room is cut.
    pub(super) fn receive(&self, room: &mut [u8]) -> Option<usize> {
        loop {
            match self.socket.recv(room) {
                Ok(length) => return Some(length),
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                    self.refused.store(true, Relaxed);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }

    /// Has somebody told when there is something to read.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.socket, token, Interest::READABLE)
    }

    #[cfg(test)]
    pub(super) fn port(&self) -> u16 {
        self.socket.local_addr().unwrap().port()
    }
}

/// How long a name may take to be resolved.
const RESOLVING: Duration = Duration::from_secs(5);
/// How often a socket is opened anew to get an even port, as RTP would like it (RFC 3550, 11).
const TRIES_FOR_EVEN: usize = 4;
/// What a socket keeps of what nobody reads, in bytes: the kernel takes this for as little as it can.
const DEAF_BUFFER: usize = 1;

/// The address of a destination, unless the guard is against it. The error is a sentence for who asked.
pub(super) async fn resolve(target: &RtpAddress, guard: &Guard) -> Result<SocketAddr, String> {
    let port = target.port.get();
    let inward = |what: &str| {
        format!(
            "destination.rtpUrl: {what} is an internal address, which is not connected to; permit the host in the configuration"
        )
    };
    let name = match &target.host {
        RtpHost::Ip(address) => {
            let host = match address {
                IpAddr::V4(v4) => Host::Ipv4(*v4),
                IpAddr::V6(v6) => Host::Ipv6(*v6),
            };
            let permitted = guard.permits(*address) || guard.hosts.contains(&host);
            return match permitted {
                true => Ok(SocketAddr::new(*address, port)),
                false => Err(inward(&address.to_string())),
            };
        }
        RtpHost::Name(name) => name,
    };
    let unknown = || format!("destination.rtpUrl: the name {name:?} leads nowhere; check its spelling");
    let found = timeout(RESOLVING, lookup_host((name.as_str(), port))).await;
    let found: Vec<_> = found.map_err(|_| unknown())?.map_err(|_| unknown())?.collect();
    let is_named = guard.hosts.contains(&Host::Domain(name.clone()));
    let mut permitted = found
        .iter()
        .filter(|address| is_named || guard.permits(address.ip()));
    match permitted.next() {
        Some(address) => Ok(*address),
        None if found.is_empty() => Err(unknown()),
        None => Err(inward(&format!("{name:?}"))),
    }
}

/// Opens a socket that is connected to an address and never waits. One that nobody reads keeps next to nothing of what comes.
pub(super) fn open(to: SocketAddr, is_read: bool) -> io::Result<RtpSocket> {
    let socket = bind_even(to)?;
    socket.connect(to)?;
    socket.set_nonblocking(true)?;
    if !is_read {
        socket2::SockRef::from(&socket).set_recv_buffer_size(DEAF_BUFFER)?;
    }
    Ok(RtpSocket {
        socket: mio::net::UdpSocket::from_std(socket),
        refused: AtomicBool::new(false),
    })
}

fn bind_even(to: SocketAddr) -> io::Result<UdpSocket> {
    let any = match to {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let bind = || UdpSocket::bind(SocketAddr::new(any, 0));
    // Held until an even one is there, so that the same is not given twice.
    let mut odd = Vec::with_capacity(TRIES_FOR_EVEN);
    let mut socket = bind()?;
    for _ in 1..TRIES_FOR_EVEN {
        if socket.local_addr()?.port() % 2 == 0 {
            break;
        }
        let Ok(another) = bind() else { break };
        odd.push(std::mem::replace(&mut socket, another));
    }
    Ok(socket)
}

/// Lets the process open as many sockets as it may. Where it may not be asked, all stays as it is.
pub(super) fn raise_descriptor_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        if limit.current != limit.maximum
            && let Err(error) = setrlimit(Resource::Nofile, raised)
        {
            tracing::debug!(%error, "the limit of open files stays as it is");
        }
    }
}

/// Whether a socket can't be had because there are too many already.
#[cfg(unix)]
pub(super) fn is_exhausted(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = Errno::from_io_error(error);
    [
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOBUFS,
        Errno::NOMEM,
        Errno::AGAIN,
    ]
    .into_iter()
    .any(|full| errno == Some(full))
}

#[cfg(not(unix))]
pub(super) fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::OutOfMemory | ErrorKind::AddrInUse)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> Guard {
        Guard {
            loopback: true,
            ..Guard::default()
        }
    }

    async fn ask(address: &str, guard: &Guard) -> Result<SocketAddr, String> {
        resolve(&address.parse().unwrap(), guard).await
    }

    #[tokio::test]
    async fn sound_goes_inward_only_where_that_is_permitted() {
        assert_eq!(
            ask("rtp://127.0.0.1:4000", &local()).await,
            Ok("127.0.0.1:4000".parse().unwrap())
        );
        for inner in [
            "rtp://10.0.0.7:4000",
            "rtp://[fe80::1]:4000",
            "rtp://224.0.0.1:4000",
        ] {
            let refused = ask(inner, &local()).await.unwrap_err();
            assert!(refused.contains("internal address"), "{refused}");
        }
        assert!(ask("rtp://127.0.0.1:4000", &Guard::default()).await.is_err());
        assert!(ask("rtp://localhost:4000", &Guard::default()).await.is_err());
        let allowed = client::guard::allowed_hosts(&["10.0.0.7".to_owned()]).unwrap();
        let guard = Guard {
            hosts: allowed,
            ..Guard::default()
        };
        assert!(ask("rtp://10.0.0.7:4000", &guard).await.is_ok());
    }

    #[test]
    fn a_stream_has_an_even_port_where_that_comes_easily() {
        let to = "127.0.0.1:9".parse().unwrap();
        let sockets: Vec<_> = (0..20).map(|_| open(to, false).unwrap()).collect();
        let even = sockets.iter().filter(|socket| socket.port() % 2 == 0);
        assert!(even.count() >= 12);
    }
}
