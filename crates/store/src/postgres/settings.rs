//! From the URL to what a connection needs. Nothing of the URL is ever quoted: it may hold a password.

use crate::Error;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use std::{net::IpAddr, path::Path, sync::Arc, time::Duration};
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long a connection may take until it can be used.
pub(super) const CONNECT: Duration = Duration::from_secs(3);
/// How long the server works on one statement before it gives up (`statement_timeout`).
pub(super) const STATEMENT: Duration = Duration::from_secs(5);
/// How long a transaction may wait for us before the server ends it.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(10);
/// How long the other side may leave data unacknowledged.
const SILENCE: Duration = Duration::from_secs(10);

/// What is wrong with a database URL.
#[derive(Debug, thiserror::Error)]
enum SettingsError {
    #[error(
        "the database URL can't be read; it is like postgres://user:password@host:5432/database?sslmode=require"
    )]
    Url,
    #[error("the database URL names no host; it is like postgres://user:password@host:5432/database")]
    NoHost,
    #[error("the database URL has an unknown sslmode; use disable, prefer or require")]
    SslMode,
    #[error("the file that the database URL names as sslrootcert can't be read")]
    RootFile(#[source] std::io::Error),
    #[error("the file that the database URL names as sslrootcert is no PEM file with certificates")]
    RootPem,
    #[error("TLS to the database can't be set up; name the authority with sslrootcert=FILE in the URL")]
    Tls(#[source] rustls::Error),
}

/// How the database is reached.
pub(super) struct Settings {
    pub config: Config,
    pub tls: MakeRustlsConnect,
}

impl Settings {
    /// Reads a URL as libpq does. Two differences: TLS always checks the certificate, and to the same machine there
    /// is none unless the URL asks for it.
    pub(super) fn read(url: &str) -> Result<Self, Error> {
        read(url).map_err(Error::failed)
    }

    /// For what may be lost when the server crashes: nobody waits until it is on disk.
    pub(super) fn not_durable(mut self) -> Self {
        let options = self.config.get_options().unwrap_or_default();
        let options = format!("{options} -c synchronous_commit=off");
        self.config.options(options);
        self
    }
}

fn read(url: &str) -> Result<Settings, SettingsError> {
    let (url, own) = OwnParameters::split(url)?;
    let mut config: Config = url.parse().map_err(|_| SettingsError::Url)?;
    if config.get_hosts().is_empty() {
        return Err(SettingsError::NoHost);
    }
    let prefer = || {
        if is_local(&config) {
            SslMode::Disable
        } else {
            SslMode::Prefer
        }
    };
    let mode = own.mode.unwrap_or_else(prefer);
    let options = options(config.get_options());
    config
        .ssl_mode(mode)
        .options(options)
        .application_name("trunkline")
        .connect_timeout(CONNECT)
        .tcp_user_timeout(SILENCE)
        .keepalives_idle(SILENCE);
    let tls = match mode {
        SslMode::Disable => no_tls(),
        _ => with_tls(own.authority.as_deref()),
    };
    let tls = MakeRustlsConnect::new(tls.map_err(SettingsError::Tls)?);
    Ok(Settings { config, tls })
}

/// Parameters of the URL that we read ourselves.
#[derive(Default)]
struct OwnParameters {
    mode: Option<SslMode>,
    authority: Option<Vec<CertificateDer<'static>>>,
}

impl OwnParameters {
    /// Takes them out of the URL.
    fn split(url: &str) -> Result<(String, Self), SettingsError> {
        let mut own = Self::default();
        // Before the first @ is the password, which may have anything in it.
        let host = url.find('@').unwrap_or(0);
        let Some(question) = url[host..].find('?') else {
            return Ok((url.to_owned(), own));
        };
        let (base, query) = (&url[..host + question], &url[host + question + 1..]);
        let mut rest = Vec::new();
        for pair in query.split('&') {
            match form_urlencoded::parse(pair.as_bytes()).next() {
                Some((name, value)) if name == "sslmode" => own.mode = mode(&value)?,
                Some((name, value)) if name == "sslrootcert" => {
                    own.authority = Some(certificates(Path::new(&*value))?);
                }
                _ => rest.push(pair),
            }
        }
        Ok((format!("{base}?{}", rest.join("&")), own))
    }
}

/// `None` is `prefer`: what is best depends on the host.
fn mode(name: &str) -> Result<Option<SslMode>, SettingsError> {
    match name {
        "disable" => Ok(Some(SslMode::Disable)),
        "prefer" => Ok(None),
        "require" | "verify-full" => Ok(Some(SslMode::Require)),
        _ => Err(SettingsError::SslMode),
    }
}

fn is_local(config: &Config) -> bool {
    let is_loopback =
        |name: &str| name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => is_loopback(name),
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

/// Limits that the server keeps for us, after those of the URL.
fn options(given: Option<&str>) -> String {
    format!(
        "{} -c statement_timeout={} -c idle_in_transaction_session_timeout={}",
        given.unwrap_or_default(),
        STATEMENT.as_millis(),
        IDLE_IN_TRANSACTION.as_millis(),
    )
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let pem = std::fs::read(file).map_err(SettingsError::RootFile)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(SettingsError::RootPem),
    }
}

/// Never used: without TLS, a machine without any authorities must do.
fn no_tls() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

/// The authority that the URL names, or else those of the machine.
fn with_tls(authority: Option<&[CertificateDer<'static>]>) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let Some(authority) = authority else {
        let verifier = Arc::new(Verifier::new(provider)?);
        return Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth());
    };
    let mut roots = RootCertStore::empty();
    for certificate in authority {
        roots.add(certificate.clone())?;
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode_of(url: &str) -> SslMode {
        read(url).unwrap().config.get_ssl_mode()
    }

    #[test]
    fn the_same_machine_is_reached_without_tls_unless_asked() {
        assert_eq!(mode_of("postgres://u@localhost/d"), SslMode::Disable);
        assert_eq!(
            mode_of("postgres://u@127.0.0.1:5433/d?sslmode=prefer"),
            SslMode::Disable
        );
        assert_eq!(mode_of("postgres://u@[::1]/d"), SslMode::Disable);
        assert_eq!(
            mode_of("postgres://u@localhost/d?sslmode=disable&connect_timeout=1"),
            SslMode::Disable
        );
    }

    #[test]
    fn errors_never_show_the_password() {
        let urls = [
            "postgres://u:hunter2@host:port/d",
            "postgres://u:hunter2@host/d?sslmode=hunter2",
            "postgres://u:hunter2@host/d?hunter2=1",
            "postgres://u:hunter2@host/d?sslrootcert=/hunter2",
            "u:hunter2@host",
            "",
        ];
        for url in urls {
            let Err(error) = Settings::read(url) else {
                panic!("{url} was read");
            };
            assert!(
                !format!("{error} {error:?}").contains("hunter2"),
                "{url}: {error:?}"
            );
        }
    }

    #[test]
    fn a_password_may_have_a_question_mark_in_it() {
        let settings = read("postgres://u:why?&sslmode=no@localhost/d?sslmode=disable").unwrap();
        assert_eq!(settings.config.get_password(), Some(&b"why?&sslmode=no"[..]));
        assert_eq!(settings.config.get_dbname(), Some("d"));
    }

    #[test]
    fn the_server_keeps_time_limits_for_us_besides_the_options_of_the_url() {
        let settings = read("postgres://u@localhost/d?options=-c%20work_mem%3D8MB").unwrap();
        let options = settings.config.get_options().unwrap();
        assert!(options.contains("work_mem=8MB"), "{options}");
        assert!(options.contains("statement_timeout=5000"), "{options}");
    }
}
