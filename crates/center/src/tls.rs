//! HTTPS with certificates of the center's own local authority (contract section 9).

use crate::secrets::write_private;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

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
    params.distinguished_name.push(
        DnType::CommonName,
        names.first().map_or("localhost", String::as_str),
    );
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
    fn names_that_are_no_host_names_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            server(folder.path(), &["ü".into()]),
            Err(TlsError::Certificate { .. })
        ));
    }
}
