//! Where a platform is and who asks: addresses, credentials and scopes, checked once.

use flow::retry::Policy;
use std::{fmt, sync::Arc};
use url::Url;
use wire::oauth::{Credentials, Scopes};

/// Why a client can't be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The base address is no address.
    #[error("the base address is not a URL ({0}); write it like https://example.org")]
    NoUrl(String),
    /// The base address is not http or https.
    #[error("the base address must begin with http:// or https://, not {0}://")]
    Scheme(String),
    /// The base address has a user name or a password in it.
    #[error(
        "the base address must not hold a user name or password; give the client id and secret on their own"
    )]
    UserInfo,
    /// The base address has a query or a fragment.
    #[error("the base address must end with its path, without ? and #")]
    Query,
    /// The certificate authority can't be read.
    #[error("the certificate authority is not a certificate in PEM form: {0}")]
    Authority(String),
    /// TLS can't be set up.
    #[error(
        "TLS can't be set up: {0}; install the system's CA certificates, or give the platform's own authority"
    )]
    Tls(String),
    /// A secret can't stand in a header.
    #[error(
        "the token has characters that can't stand in a header; check that it was copied whole and without line ends"
    )]
    Token,
}

/// A platform's base address, and the authority that its certificate comes from.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    base: Url,
    authority: Option<Arc<[u8]>>,
}

impl Endpoint {
    /// Reads a base address such as `https://example.org` or `http://127.0.0.1:8080`.
    pub fn new(base: &str) -> Result<Self, SetupError> {
        let base = Url::parse(base.trim()).map_err(|error| SetupError::NoUrl(error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(SetupError::Scheme(base.scheme().to_owned()));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(SetupError::UserInfo);
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(SetupError::Query);
        }
        Ok(Self {
            base,
            authority: None,
        })
    }

    /// Also trusts this certificate authority, given as the PEM bytes of its file.
    pub fn with_authority(self, pem: &[u8]) -> Result<Self, SetupError> {
        crate::tls::certificates(pem)?;
        Ok(Self {
            authority: Some(pem.into()),
            ..self
        })
    }

    /// The host and port, as errors and logs name the platform.
    pub fn host(&self) -> String {
        host_of(&self.base)
    }

    /// Whether connections are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// The extra certificate authority, as PEM.
    pub fn authority(&self) -> Option<&[u8]> {
        self.authority.as_deref()
    }

    /// Whether the platform runs on this machine.
    pub fn is_loopback(&self) -> bool {
        match self.base.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
    }

    /// The address of a resource: each segment is escaped, so an id can't reach another resource.
    pub(crate) fn address<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

impl Endpoint {
    /// Where an address leads that the platform gave: a path of its own, or a whole URL.
    pub(crate) fn resolve(&self, address: &str) -> Result<Url, url::ParseError> {
        let mut url = self.base.join(address)?;
        // A platform behind a prefix may not know of it.
        let prefix = self.base.path().trim_end_matches('/');
        if self.is_origin_of(&url) && address.starts_with('/') && !is_below(url.path(), prefix) {
            url.set_path(&format!("{prefix}{}", url.path()));
        }
        Ok(url)
    }

    /// Whether an address is of the platform's own scheme, host and port.
    pub(crate) fn is_origin_of(&self, url: &Url) -> bool {
        self.base.origin() == url.origin()
    }

    /// Whether an address is of the platform's host, on whatever port.
    pub(crate) fn is_host_of(&self, url: &Url) -> bool {
        self.base.host() == url.host()
    }
}

fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The host and port of an address.
pub(crate) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}

/// A platform and the client that uses it.
#[derive(Debug, Clone)]
pub struct Platform {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Who asks. The secret can't be printed.
    pub credentials: Credentials,
    /// The scopes asked for; `None` asks for all that the client has.
    pub scopes: Option<Scopes>,
    /// How often and how long requests are tried.
    pub policy: Policy,
}

impl Platform {
    /// A platform with the default policy, and a token of all the client's scopes.
    pub fn new(endpoint: Endpoint, credentials: Credentials) -> Self {
        Self {
            endpoint,
            credentials,
            scopes: None,
            policy: Policy::default(),
        }
    }

    /// The same platform, with tokens of these scopes only.
    pub fn with_scopes(self, scopes: Scopes) -> Self {
        Self {
            scopes: Some(scopes),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_address_is_checked() {
        for (text, error) in [
            ("ftp://example.org", SetupError::Scheme("ftp".into())),
            ("https://me:hunter2@example.org", SetupError::UserInfo),
            ("https://example.org/?x=1", SetupError::Query),
        ] {
            assert_eq!(Endpoint::new(text), Err(error));
        }
        assert!(matches!(Endpoint::new("example.org"), Err(SetupError::NoUrl(_))));
        assert!(
            Endpoint::new("https://example.org")
                .unwrap()
                .with_authority(b"not a certificate")
                .is_err()
        );
    }

    #[test]
    fn an_address_keeps_the_bases_path_and_escapes_segments() {
        let address = |base: &str| {
            Endpoint::new(base)
                .unwrap()
                .address(["api", "a/b ?#%\u{e9}"])
                .to_string()
        };
        assert_eq!(address("http://h:81"), "http://h:81/api/a%2Fb%20%3F%23%25%C3%A9");
        assert_eq!(
            address("https://h/prefix/"),
            "https://h/prefix/api/a%2Fb%20%3F%23%25%C3%A9"
        );
    }

    #[test]
    fn what_a_platform_names_is_resolved_against_its_base() {
        let resolve = |base: &str, address: &str| {
            let endpoint = Endpoint::new(base).unwrap();
            let url = endpoint.resolve(address).unwrap();
            (url.to_string(), endpoint.is_origin_of(&url))
        };
        let own = |text: &str| (text.to_owned(), true);
        let other = |text: &str| (text.to_owned(), false);
        assert_eq!(resolve("http://h:81", "/x?y=1"), own("http://h:81/x?y=1"));
        assert_eq!(resolve("https://h/p/", "/x"), own("https://h/p/x"));
        assert_eq!(resolve("https://h/p", "/p/x"), own("https://h/p/x"));
        assert_eq!(resolve("https://h/p", "/px"), own("https://h/p/px"));
        assert_eq!(resolve("https://h", "https://H:443/x"), own("https://h/x"));
        assert_eq!(resolve("https://h", "http://h/x"), other("http://h/x"));
        assert_eq!(resolve("https://h", "https://h:444/x"), other("https://h:444/x"));
        for evil in [
            "//evil/x",
            "/\\evil/x",
            "\\\\evil/x",
            "https:evil/../x",
            "https://h@evil/x",
        ] {
            let (url, own) = resolve("https://h", evil);
            assert_eq!(own, url.starts_with("https://h/"), "{url}");
        }
    }

    #[test]
    fn this_machine_is_known() {
        let loopback = |base| Endpoint::new(base).unwrap().is_loopback();
        assert!(loopback("http://127.0.0.1:1") && loopback("http://[::1]:1") && loopback("http://localhost"));
        assert!(!loopback("http://example.org") && !loopback("http://10.0.0.1"));
    }
}
