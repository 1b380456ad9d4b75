//! TLS for every client connection: rustls with ring, the machine's own authorities, and one more if given.

use crate::endpoint::{Endpoint, SetupError};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use std::sync::Arc;

/// The TLS settings for an endpoint. They name their crypto provider, so no process-wide one is needed.
pub fn client_config(endpoint: &Endpoint) -> Result<ClientConfig, SetupError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = |error: rustls::Error| SetupError::Tls(error.to_string());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(tls)?;
    if !endpoint.is_encrypted() {
        // Never used: without TLS, a machine without any authorities must do.
        return Ok(builder
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth());
    }
    let extra = endpoint
        .authority()
        .map(certificates)
        .transpose()?
        .unwrap_or_default();
    let verifier = Verifier::new_with_extra_roots(extra, provider).map_err(tls)?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// The TLS settings for hosts that are not known beforehand, such as receivers of webhooks: the machine's own authorities,
/// or Mozilla's where the machine has none, and one more if given as the PEM bytes of its file.
pub fn any_host_config(authority: Option<&[u8]>) -> Result<ClientConfig, SetupError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = |error: rustls::Error| SetupError::Tls(error.to_string());
    let extra = authority.map(certificates).transpose()?.unwrap_or_default();
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(tls)?;
    if Verifier::new(provider.clone()).is_ok() {
        let verifier = Verifier::new_with_extra_roots(extra, provider).map_err(tls)?;
        return Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth());
    }
    let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots.add_parsable_certificates(extra);
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The certificates of a PEM file, of which there must be at least one.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = read.map_err(|error| SetupError::Authority(error.to_string()))?;
    if certificates.is_empty() {
        return Err(SetupError::Authority(
            "there is no BEGIN CERTIFICATE in it".into(),
        ));
    }
    Ok(certificates)
}
