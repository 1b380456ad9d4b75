//! HTTPS with certificates of the center's own local authority (contract section 9).

use crate::quoted;
use client::guard;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use std::{
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};
use store::write_private;
use url::Host;

/// Why there is no HTTPS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The authority's files can't be read or written.
    #[error("the local authority in {} can't be used; delete ca.pem and ca-key.pem there to make a new one", .folder.display())]
    Files {
        /// The data folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Names that are none.
    #[error(
        "{} no name for a certificate; give --tls-name host names such as acme.api.cxone.com, or addresses, without scheme or port; a wildcard stands first and alone, as in *.api.cxone.com",
        quoted(.0)
    )]
    Names(Vec<String>),
    /// A certificate can't be made.
    #[error("no certificate can be made for the names {names:?}; give host names such as acme.api.cxone.com")]
    Certificate {
        /// The names asked for.
        names: Vec<String>,
        /// Why.
        #[source]
        source: rcgen::Error,
    },
    /// The TLS library refuses the certificate.
    #[error("the certificate can't be used")]
    Config(#[source] rustls::Error),
}

/// The names of a certificate in their one spelling, or the error with all that are none.
pub(crate) fn names(texts: Vec<String>) -> Result<Vec<String>, TlsError> {
    let (names, wrong): (Vec<_>, Vec<_>) = texts
        .into_iter()
        .map(|text| name(&text).ok_or(text))
        .partition(Result::is_ok);
    if wrong.is_empty() {
        Ok(names.into_iter().flatten().collect())
    } else {
        Err(TlsError::Names(
            wrong.into_iter().filter_map(Result::err).collect(),
        ))
    }
}

fn name(text: &str) -> Option<String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    let (wildcard, rest) = match text.strip_prefix("*.") {
        // A wildcard right under the top matches nothing.
        Some(rest) => (WILDCARD, Some(rest).filter(|rest| rest.contains('.'))?),
        None => ("", text),
    };
    let at_edge = |label: &str| label.starts_with('-') || label.ends_with('-');
    match guard::host(rest)? {
        Host::Domain(name) if !name.contains('_') && !name.split('.').any(at_edge) => {
            Some(format!("{wildcard}{name}"))
        }
        _ => None,
    }
}

const WILDCARD: &str = "*.";

/// The name that clients are told: the first that is one host.
pub(crate) fn main_name(names: &[String]) -> String {
    let one_host = |name: &&String| !name.starts_with(WILDCARD);
    names
        .iter()
        .find(one_host)
        .map_or("localhost", String::as_str)
        .to_owned()
}

/// Makes ring the cryptography of every TLS connection. Called before the first one; later calls do nothing.
pub(crate) fn install_cryptography() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The configuration of outgoing connections.
pub(crate) fn outgoing() -> rustls::ClientConfig {
    install_cryptography();
    let roots = rustls::RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// A server configuration with a certificate for `names`, `localhost` and loopback, and the path of the authority's
/// own certificate, which clients are told to trust.
pub(crate) fn server(data_dir: &Path, names: &[String]) -> Result<(Arc<ServerConfig>, PathBuf), TlsError> {
    install_cryptography();
    let ca_path = data_dir.join("ca.pem");
    let authority = open_authority(data_dir, &ca_path)?;
    let mut all = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    all.extend(names.iter().cloned());
    let certificate_error = |source| TlsError::Certificate {
        names: all.clone(),
        source,
    };
    let key = KeyPair::generate().map_err(certificate_error)?;
    let mut params = CertificateParams::new(all.clone()).map_err(certificate_error)?;
    params
        .distinguished_name
        .push(DnType::CommonName, main_name(names));
    params.use_authority_key_identifier_extension = true;
    limit_validity(&mut params, 397);
    let certificate = params.signed_by(&key, &authority).map_err(certificate_error)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .map_err(TlsError::Config)?;
    Ok((Arc::new(config), ca_path))
}

fn open_authority(folder: &Path, ca_path: &Path) -> Result<Issuer<'static, KeyPair>, TlsError> {
    let files = |source: io::Error| TlsError::Files {
        folder: folder.to_owned(),
        source,
    };
    let broken = |error: rcgen::Error| files(io::Error::new(io::ErrorKind::InvalidData, error));
    let key_path = folder.join("ca-key.pem");
    if !key_path.exists() {
        let key = KeyPair::generate().map_err(broken)?;
        let certificate = authority_params().self_signed(&key).map_err(broken)?;
        fs::write(ca_path, certificate.pem()).map_err(files)?;
        write_private(&key_path, key.serialize_pem().as_bytes()).map_err(files)?;
    }
    let key = KeyPair::from_pem(&fs::read_to_string(&key_path).map_err(files)?).map_err(broken)?;
    Issuer::from_ca_cert_pem(&fs::read_to_string(ca_path).map_err(files)?, key).map_err(broken)
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "Trunkline local authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    limit_validity(&mut params, 3650);
    params
}

/// Valid from yesterday, since clocks differ, for so many days.
fn limit_validity(params: &mut CertificateParams, days: i64) {
    let from_now = |days: i64| {
        let date = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let date = date.saturating_add(jiff::Span::new().days(days));
        rcgen::date_time_ymd(i32::from(date.year()), date.month() as u8, date.day() as u8)
    };
    params.not_before = from_now(-1);
    params.not_after = from_now(days);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_stays_the_same_over_restarts() {
        let folder = tempfile::tempdir().unwrap();
        let names = vec!["acme.api.cxone.com".to_owned()];
        let (_, ca) = server(folder.path(), &names).unwrap();
        let first = fs::read_to_string(&ca).unwrap();
        server(folder.path(), &names).unwrap();
        assert_eq!(fs::read_to_string(&ca).unwrap(), first);
        fs::write(folder.path().join("ca-key.pem"), "broken").unwrap();
        assert!(matches!(
            server(folder.path(), &names),
            Err(TlsError::Files { .. })
        ));
    }

    #[test]
    fn names_have_one_spelling_and_all_that_are_none_are_told() {
        let given = |texts: &[&str]| names(texts.iter().map(|text| (*text).to_owned()).collect());
        let fine = given(&[
            "Acme.API.cxone.com",
            "*.api.cxone.com",
            "10.0.0.7",
            "FD00::1",
            "ü.example",
        ])
        .unwrap();
        assert_eq!(
            fine,
            [
                "acme.api.cxone.com",
                "*.api.cxone.com",
                "10.0.0.7",
                "fd00::1",
                "xn--tda.example"
            ]
        );
        let folder = tempfile::tempdir().unwrap();
        server(folder.path(), &fine).unwrap();
        let bad = [
            "",
            "bad name",
            "a:443",
            "https://a",
            "*",
            "*.com",
            "a.*.b",
            "**.a.b",
            "-a.b",
            "a-.b",
            "a_b.c",
            "a..b",
            "1.2.3",
        ];
        let Err(TlsError::Names(told)) = given(&[&bad[..], &["fine.example"]].concat()) else {
            panic!()
        };
        assert_eq!(told, bad);
    }
}
