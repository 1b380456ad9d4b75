//! The embedded contact centre: OAuth, rate limits, profiles, calls with real audio, and the call-control WebSocket.
//!
//! It speaks the v2 contract, so programs written for that run against it unchanged, on a laptop and without a tenant.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use center::{Center, Options, Tenant};
//!
//! let folder = tempfile::tempdir()?;
//! let center = Center::start(Options::local(folder.path().to_owned(), Tenant::demo()?)).await?;
//! assert!(center.addresses().base_url().starts_with("http://127.0.0.1:"));
//! center.close().await;
//! # Ok(()) }
//! ```

mod admin;
mod agents;
mod app;
mod bots;
mod callcontrol;
mod calls;
mod clock;
mod completions;
mod conversations;
mod desk;
mod environment;
mod erase;
mod faults;
mod fetch;
mod http;
mod idempotency;
mod interactions;
mod keeping;
mod limits;
mod media;
mod notifications;
mod oauth;
mod once;
mod page;
mod playback;
mod profiles;
mod prompts;
mod public;
mod recordings;
mod secrets;
mod switch;
mod tasks;
mod tenant;
mod tls;
mod tokens;

pub use completions::{BadRate, CompletionRate, Completions, CompletionsError, Destination};
pub use environment::Environment;
pub use erase::{EraseError, ErasedCalls, erase_caller};
pub use limits::{Limits, Rate};
pub use secrets::SecretsError;
pub use switch::Pacing;
pub use tenant::{Tenant, TenantError};
pub use tls::TlsError;

use app::App;
use client::{
    ReqwestHttp, any_host_config,
    guard::{self, Guard},
};
use clock::Clock;
use completions::{Ours, Running};
use conversations::Conversations;
use flow::call::{Announcements, SensitivePrompts};
use keeping::Books;
use secrecy::{ExposeSecret, SecretString};
use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};
use store::Store;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use wire::{callcontrol::HangupCause, ids::ClientId, oauth::Credentials};

/// How a center is to be run.
pub struct Options {
    /// Where to listen for HTTP. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// HTTPS beside it.
    pub tls: Option<TlsOptions>,
    /// Where recordings, secrets, the local authority and the database are kept. Made if it is not there.
    pub data_dir: PathBuf,
    /// Where calls are kept; without one, in `trunkline.db` of the data folder, which is then closed with the center.
    pub store: Option<Store>,
    /// Whether somebody else over the same store removes what is finished from its outbox and inbox, as a service does after
    /// its own time; otherwise the center does, after 30 days.
    pub purged_elsewhere: bool,
    /// What is served.
    pub tenant: Tenant,
    /// How much a client may ask for.
    pub limits: Limits,
    /// Hosts that audio may be fetched from, and webhooks go to, though their addresses are internal.
    pub allow_hosts: Vec<String>,
    /// The admin token, of at least 12 characters; kept in the data folder when none is given.
    pub admin_token: Option<SecretString>,
    /// Completions that are sent by webhook.
    pub completions: Completions,
    /// Routes that are served beside the center's own, at the same address.
    pub beside: Option<axum::Router>,
}

impl Options {
    /// A center on a free port of loopback with the usual limits.
    pub fn local(data_dir: PathBuf, tenant: Tenant) -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            tls: None,
            data_dir,
            store: None,
            purged_elsewhere: false,
            tenant,
            limits: Limits::default(),
            allow_hosts: Vec::new(),
            admin_token: None,
            completions: Completions::default(),
            beside: None,
        }
    }
}

/// HTTPS with certificates of the center's own authority.
#[derive(Debug, Clone)]
pub struct TlsOptions {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Host names or addresses beside `localhost`, such as `acme.api.cxone.com`. The first that is no wildcard is the
    /// one that clients are told.
    pub names: Vec<String>,
}

impl TlsOptions {
    fn checked(self) -> Result<Self, TlsError> {
        Ok(Self {
            names: tls::names(self.names)?,
            ..self
        })
    }
}

/// Why a center did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder can't be used.
    #[error("the data folder {} can't be used; choose another with --data-dir", .path.display())]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The address can't be listened on.
    #[error("{}", listen_message(*.address, .source))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The made-up secrets can't be kept.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// There is no HTTPS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The client for audio URLs can't be made.
    #[error("the HTTP client can't be made")]
    Fetcher(#[source] reqwest::Error),
    /// The client for other people's bots can't be made.
    #[error(transparent)]
    Outgoing(#[from] client::SetupError),
    /// Calls can't be kept.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Calls of a center that was killed can't be closed.
    #[error(transparent)]
    BrokenOff(#[from] Arc<store::Error>),
    /// Completions can't be sent.
    #[error(transparent)]
    Completions(#[from] CompletionsError),
    /// The admin token can be guessed.
    #[error(
        "the admin token is too short; give TRUNKLINE_ADMIN_TOKEN at least {MIN_ADMIN_TOKEN} characters, or unset it to have one made up"
    )]
    AdminToken,
    /// Hosts to fetch audio from that are none.
    #[error(
        "{} no host to fetch audio from; give --allow-host a name or an address alone, such as files.example.com or 10.0.0.7, without scheme, port or wildcard",
        quoted(.0)
    )]
    AllowedHosts(Vec<String>),
    /// There is no randomness for secrets.
    #[error("no secrets can be made up: the machine gives no randomness")]
    Random(#[source] io::Error),
    /// A thread can't be started.
    #[error("a thread can't be started")]
    Thread(#[source] io::Error),
    /// The tenant names a prompt that is not there.
    #[error("the tenant has no prompt {0:?}")]
    NoPrompt(wire::ids::PromptId),
}

/// The least length of an admin token, as of a client's secret.
const MIN_ADMIN_TOKEN: usize = 12;

/// The words in quotes, and the verb that follows them.
fn quoted(words: &[String]) -> String {
    let verb = if words.len() == 1 { "is" } else { "are" };
    let words: Vec<_> = words.iter().map(|word| format!("{word:?}")).collect();
    format!("{} {verb}", words.join(", "))
}

fn listen_message(address: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "port {} is in use already; stop the other program, or choose another port (port 0 takes a free one)",
            address.port()
        ),
        io::ErrorKind::PermissionDenied => {
            format!("listening on {address} is not permitted; use a port above 1023")
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("{address} is no address of this machine; use 127.0.0.1 or one of its own")
        }
        _ => format!("listening on {address} is not possible"),
    }
}

/// Where a running center is reached.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// HTTP.
    pub http: SocketAddr,
    /// HTTPS, and the host name it is called by.
    pub https: Option<(SocketAddr, String)>,
    /// The certificate of the local authority.
    pub ca: Option<PathBuf>,
}

impl Addresses {
    /// The base URL for clients, plain HTTP. A center on all interfaces is reached over loopback.
    pub fn base_url(&self) -> String {
        let host = match self.http.ip() {
            ip if ip.is_unspecified() => "127.0.0.1".to_owned(),
            IpAddr::V6(ip) => format!("[{ip}]"),
            ip => ip.to_string(),
        };
        format!("http://{host}:{}", self.http.port())
    }

    /// The base URL over HTTPS, under the first name of the certificate that is no wildcard.
    pub fn https_url(&self) -> Option<String> {
        let (address, name) = self.https.as_ref()?;
        let host = match name.parse() {
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            _ => name.clone(),
        };
        Some(match address.port() {
            443 => format!("https://{host}"),
            port => format!("https://{host}:{port}"),
        })
    }
}

/// A running center. Dropped without [`Center::close`], it stops and ends its calls too, but nobody waits for that.
pub struct Center {
    app: Arc<App>,
    addresses: Addresses,
    environment: Environment,
    house: Credentials,
    servers: Vec<JoinHandle<()>>,
    books: Option<Books>,
    timers: Option<tasks::Timers>,
    compiling: Option<media::Working>,
    ticking: Option<conversations::Ticking>,
    completing: Option<Running>,
}

impl Center {
    /// Starts a center; when this returns, it answers.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let allowed_hosts = guard::allowed_hosts(&options.allow_hosts).map_err(StartError::AllowedHosts)?;
        let tls = options.tls.map(TlsOptions::checked).transpose()?;
        check_admin_token(options.admin_token.as_ref())?;
        let data_dir = make_data_dir(options.data_dir)?;
        let (http, addresses) = listen(options.listen).await?;
        let mut servers = vec![(http, None)];
        let mut certified = Vec::new();
        let mut addresses = Addresses {
            http: addresses,
            https: None,
            ca: None,
        };
        if let Some(tls) = tls {
            let (config, ca) = tls::server(&data_dir, &tls.names)?;
            certified.clone_from(&tls.names);
            let (https, address) = listen(tls.listen).await?;
            addresses.https = Some((address, tls::main_name(&tls.names)));
            addresses.ca = Some(ca);
            servers.push((https, Some(config)));
        }
        let guard = Guard {
            loopback: addresses.http.ip().is_loopback(),
            hosts: allowed_hosts,
            own: Some(addresses.base_url()),
        };

        let mut secrets = secrets::Secrets::open(&data_dir)?;
        let admin_token = options.admin_token.map_or_else(|| secrets.admin_token(), Ok)?;
        let webhook_secret = secrets.of_webhooks()?;
        let mut clients = client_secrets(&options.tenant, &mut secrets)?;
        let first = &options.tenant.first_client;
        let environment = clients
            .get(first)
            .map(|(_, secret)| Environment::new(&addresses, first, secret, &admin_token, &webhook_secret))
            .unwrap_or_default();

        let house = secrets::house_credentials().map_err(StartError::Random)?;
        let client = tenant::Client::of_house();
        clients.insert(house.client_id.clone(), (client, house.client_secret.clone()));

        let clock = Clock::start();
        let announcements = announcements(&options.tenant)?;
        let sensitive = SensitivePrompts::new(options.tenant.sensitive_prompts.iter().cloned());
        let recordings = data_dir.join(recordings::FOLDER);
        let own_store = options.store.is_none();
        let store = match options.store {
            Some(store) => store,
            None => keeping::own_store(&data_dir).await?,
        };
        let completing = Running::start(
            options.completions,
            options.tenant.active_agents(),
            &store,
            &addresses,
            &guard,
            Ours {
                secret: &webhook_secret,
                alone: keeping::is_alone(&data_dir),
            },
        );
        let completing = completing.await?;
        let audience = completing.audience.clone();
        let books = Books::open(store.clone(), own_store, audience.clone(), &data_dir, &recordings);
        let (books, keeper) = books.await?;
        let switch = switch::Switch::start(
            clock,
            recordings.clone(),
            announcements,
            sensitive,
            audience.turns,
            keeper,
        );
        let switch = switch.map_err(StartError::Thread)?;
        let books = books.keep(switch.reports());
        let roster = options.tenant.roster.clone();
        let access = desk_access(&addresses, &certified, &mut secrets)?;
        let links = addresses.https_url().unwrap_or_else(|| addresses.base_url());
        let desks = desk::Desks::new(store.clone(), &roster, access, links);
        let desks = Arc::new(desks);
        let policy = options.tenant.task_policy.clone();
        let tasks = tasks::Tasks::new(store.clone(), desks.clone(), roster, policy);
        let faults = Arc::new(faults::FaultBook::default());
        let media = media::Media::open(
            store.clone(),
            &data_dir,
            options.tenant.flows.clone(),
            addresses.base_url(),
            guard.clone(),
            webhook_secret.clone(),
            faults.clone(),
        );
        let media = media.map_err(|source| StartError::DataDir {
            path: data_dir,
            source,
        })?;
        let media = Arc::new(media);
        let playback = playback::Gateway::start(playback::Parts {
            clock,
            store: store.clone(),
            subscribers: audience.subscribers.clone(),
            media: media.clone(),
            guard: guard.clone(),
            most_streams: options.limits.streams,
        });
        let playback = playback.map_err(StartError::Thread)?;
        let closing = CancellationToken::new();
        let outgoing = ReqwestHttp::guarded(guard.clone(), any_host_config(None)?)?;
        let known = options.tenant.bots.clone();
        let bots = bots::Bots::new(known, Arc::new(outgoing), store.clone(), webhook_secret);
        let conversations = conversations::Parts {
            store: store.clone(),
            clock,
            bots: bots.clone(),
            masks_personal: options.tenant.masks_personal,
            closing: closing.clone(),
        };
        let conversations = Conversations::open(conversations).await?;
        let (worker, compiler) = (store.join().await?, store.join().await?);
        let app = Arc::new(App {
            clock,
            switch,
            store,
            tasks,
            desks,
            media,
            playback,
            conversations,
            bots,
            subscribers: audience.subscribers,
            recordings,
            tokens: tokens::Tokens::new(clients),
            limits: limits::RateLimits::new(options.limits).without(house.client_id.clone()),
            idempotency: Default::default(),
            faults,
            fetcher: fetch::Fetcher::new(guard, tls::outgoing()).map_err(StartError::Fetcher)?,
            admin_token,
            closing,
            upgraded: TaskTracker::new(),
            next_controller: Default::default(),
            tenant: options.tenant,
        });
        let purges = !options.purged_elsewhere;
        let timers = tasks::Timers::start(app.tasks.clone(), worker, purges, app.closing.clone());
        let ticking = conversations::Ticking::start(&app.conversations);
        let compiling = media::Working::start(app.media.clone(), compiler, app.closing.clone());
        let router = http::router(app.clone(), options.beside);
        let servers = servers.into_iter().map(|(listener, config)| {
            let router = match config.is_some() {
                true => router.clone().layer(axum::Extension(desk::OverTls)),
                false => router.clone(),
            };
            tokio::spawn(server::serve(listener, config, router, app.closing.clone()))
        });
        Ok(Self {
            servers: servers.collect(),
            completing: Some(completing),
            books: Some(books),
            timers: Some(timers),
            compiling: Some(compiling),
            ticking: Some(ticking),
            app,
            addresses,
            environment,
            house,
        })
    }

    /// Where it is reached.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The environment that its clients need.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The client of the process that the center runs in: it has every scope, and no rate limit. The secret
    /// is made up at each start; the id stays, so that idempotency keys outlive a restart.
    pub fn house_credentials(&self) -> &Credentials {
        &self.house
    }

    /// How punctual its frames were so far.
    pub async fn pacing(&self) -> Pacing {
        self.app
            .switch
            .status()
            .await
            .map(|status| status.pacing)
            .unwrap_or_default()
    }

    /// Ends all calls, tells their controllers, finishes recordings and requests under way, and stops.
    pub async fn close(mut self) {
        let kept = self.app.switch.close(HangupCause::Shutdown).await;
        self.app.closing.cancel();
        for server in std::mem::take(&mut self.servers) {
            let _ = server.await;
        }
        self.app.playback.close().await;
        self.app.upgraded.close();
        let _ = tokio::time::timeout(std::time::Duration::from_secs(5), self.app.upgraded.wait()).await;
        if let Some(timers) = self.timers.take() {
            timers.close().await;
        }
        if let Some(ticking) = self.ticking.take() {
            ticking.close().await;
        }
        if let Some(compiling) = self.compiling.take() {
            compiling.close().await;
        }
        if let Some(completing) = self.completing.take() {
            completing.close().await;
        }
        if let Some(books) = self.books.take() {
            books.close(kept).await;
        }
    }
}

impl Drop for Center {
    fn drop(&mut self) {
        self.app.switch.begin_close(HangupCause::Shutdown);
        self.app.playback.begin_close();
        self.app.closing.cancel();
    }
}

/// Who may see desktops: everybody on the machine, if nobody else reaches the center.
fn desk_access(
    addresses: &Addresses,
    names: &[String],
    secrets: &mut secrets::Secrets,
) -> Result<desk::Access, SecretsError> {
    let https = addresses.https.as_ref().map(|(address, _)| address);
    let is_local = [Some(&addresses.http), https]
        .into_iter()
        .flatten()
        .all(|address| address.ip().is_loopback());
    Ok(match is_local {
        true => desk::Access::Machine {
            names: names.to_vec(),
        },
        false => desk::Access::Key(secrets.of_desks()?),
    })
}

fn check_admin_token(token: Option<&SecretString>) -> Result<(), StartError> {
    match token {
        Some(token) if token.expose_secret().len() < MIN_ADMIN_TOKEN => Err(StartError::AdminToken),
        _ => Ok(()),
    }
}

fn make_data_dir(path: PathBuf) -> Result<PathBuf, StartError> {
    match std::fs::create_dir_all(&path) {
        Ok(()) => Ok(path),
        Err(source) => Err(StartError::DataDir { path, source }),
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let error = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(error)?;
    let bound = listener.local_addr().map_err(error)?;
    Ok((listener, bound))
}

type ClientSecrets = HashMap<ClientId, (tenant::Client, SecretString)>;

fn client_secrets(tenant: &Tenant, secrets: &mut secrets::Secrets) -> Result<ClientSecrets, SecretsError> {
    let mut with_secrets = HashMap::new();
    for (id, client) in &tenant.clients {
        let secret = client.secret.clone().map_or_else(|| secrets.of_client(id), Ok)?;
        with_secrets.insert(id.clone(), (client.clone(), secret));
    }
    Ok(with_secrets)
}

fn announcements(tenant: &Tenant) -> Result<Announcements, StartError> {
    let named = &tenant.announcements;
    let prompt = |id: &wire::ids::PromptId| {
        let prompt = tenant
            .prompts
            .get(id)
            .cloned()
            .ok_or_else(|| StartError::NoPrompt(id.clone()))?;
        Ok::<_, StartError>((id.to_string(), prompt))
    };
    Ok(Announcements {
        apology: prompt(&named.apology)?,
        operator: named.operator.clone(),
        operator_greeting: prompt(&named.operator_greeting)?,
        agent_greeting: prompt(&named.agent_greeting)?,
    })
}
