//! The guard for addresses that others name (webhook endpoints, audio that a call is told to play): nothing follows a link
//! inward (contract section 8).
//!
//! Loopback, link-local, private and every other address that is not the public internet's is refused, unless the
//! configuration names the host. Names are checked after they are resolved, and what was checked is what is connected to,
//! so a name that changes its mind gains nothing. Redirects must be off, and proxies too: a proxy would resolve on its own.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};
use url::{Host, Url};

/// Which internal addresses may be connected to; by default none.
///
/// ```
/// use client::guard::{Guard, allowed_hosts};
///
/// let guard = Guard { hosts: allowed_hosts(&["10.0.0.7".to_owned()]).unwrap(), ..Guard::default() };
/// assert!(guard.check_literal(&"http://10.0.0.7:8080/hook".parse()?).is_ok());
/// assert!(guard.check_literal(&"http://10.0.0.8/hook".parse()?).is_err());
/// assert!(guard.check_literal(&"http://2130706433/hook".parse()?).is_err(), "127.0.0.1 as one number");
/// # Ok::<(), url::ParseError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guard {
    /// Whether loopback is permitted: where the program itself listens there.
    pub loopback: bool,
    /// Hosts that are permitted whatever their address.
    pub hosts: BTreeSet<Host>,
    /// The program's own address, such as `http://127.0.0.1:8642`: the center serves the prompts' files itself.
    pub own: Option<String>,
}

/// An address that the guard refuses; nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Inward {
    /// The host is internal, or its name leads to internal addresses only.
    #[error("{0} is an internal address, which is not connected to; permit the host in the configuration")]
    Internal(String),
    /// There is nothing to check.
    #[error("the URL has no host")]
    NoHost,
}

/// Hosts as a configuration writes them, or all of them that are none.
pub fn allowed_hosts(texts: &[String]) -> Result<BTreeSet<Host>, Vec<String>> {
    let wrong: Vec<_> = texts
        .iter()
        .filter(|text| host(text).is_none())
        .cloned()
        .collect();
    if wrong.is_empty() {
        Ok(texts.iter().filter_map(|text| host(text)).collect())
    } else {
        Err(wrong)
    }
}

/// A name or an address alone, in the one spelling that URLs have after they are parsed.
pub fn host(text: &str) -> Option<Host> {
    match text.parse() {
        Ok(IpAddr::V4(v4)) => return Some(Host::Ipv4(v4)),
        Ok(IpAddr::V6(v6)) => return Some(Host::Ipv6(v6)),
        Err(_) => {}
    }
    let host = Host::parse(text.strip_suffix('.').unwrap_or(text)).ok()?;
    match &host {
        Host::Domain(name) if !is_name(name) => None,
        _ => Some(host),
    }
}

/// Whether this is a name that DNS could know; underscores stand in some.
fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (1..=63).contains(&label.len()) && label.chars().all(inner)
    };
    name.len() <= 253 && name.split('.').all(label)
}

impl Guard {
    /// Whether an address may be connected to.
    pub fn permits(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => self.permits_v4(v4),
            IpAddr::V6(v6) => match embedded_v4(v6) {
                Some(v4) => self.permits_v4(v4),
                None => self.permits_v6(v6),
            },
        }
    }

    fn permits_v4(&self, a: Ipv4Addr) -> bool {
        if a.is_loopback() {
            return self.loopback;
        }
        let [first, second, third, _] = a.octets();
        let shared = first == 100 && (64..128).contains(&second);
        let protocol = first == 192 && second == 0 && third == 0;
        let benchmarking = first == 198 && (18..20).contains(&second);
        !(a.is_private() || a.is_link_local() || a.is_unspecified() || a.is_multicast() || a.is_broadcast())
            && !(a.is_documentation() || shared || protocol || benchmarking || first == 0 || first >= 240)
    }

    fn permits_v6(&self, a: Ipv6Addr) -> bool {
        if a.is_loopback() {
            return self.loopback;
        }
        let global = a.segments()[0] & 0xe000 == 0x2000;
        let documentation = a.segments()[0] == 0x2001 && a.segments()[1] == 0x0db8;
        global && !documentation
    }

    /// Checks an address that is written as a number; names are checked when they are resolved.
    pub fn check_literal(&self, url: &Url) -> Result<(), Inward> {
        let own = self.own.as_ref() == Some(&url.origin().ascii_serialization());
        if own
            || url
                .host()
                .is_some_and(|host| self.hosts.contains(&host.to_owned()))
        {
            return Ok(());
        }
        let literal = match url.host() {
            Some(Host::Ipv4(v4)) => IpAddr::V4(v4),
            Some(Host::Ipv6(v6)) => IpAddr::V6(v6),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err(Inward::NoHost),
        };
        if self.permits(literal) {
            Ok(())
        } else {
            Err(Inward::Internal(literal.to_string()))
        }
    }
}

/// The IPv4 address inside a mapped, NAT64 or 6to4 one.
fn embedded_v4(a: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = a.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

/// Resolves names, and leaves out the addresses that the guard refuses: what is checked is what is connected to.
pub struct GuardedResolver(pub Guard);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move {
            let named = guard
                .hosts
                .contains(&Host::Domain(name.as_str().to_ascii_lowercase()));
            let all = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let permitted: Vec<SocketAddr> = all
                .filter(|address| named || guard.permits(address.ip()))
                .collect();
            if permitted.is_empty() {
                return Err(Inward::Internal(name.as_str().to_owned()).into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_addresses_are_refused_however_they_are_written() {
        for inner in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "ff02::1",
            "198.18.0.1",
            "192.0.0.1",
            "240.0.0.1",
        ] {
            assert!(!Guard::default().permits(inner.parse().unwrap()), "{inner}");
        }
        for outer in ["1.1.1.1", "8.8.8.8", "2606:4700::1111"] {
            assert!(Guard::default().permits(outer.parse().unwrap()), "{outer}");
        }
    }

    #[test]
    fn the_centers_own_files_are_permitted_and_nothing_beside_them() {
        let guard = Guard {
            own: Some("http://127.0.0.1:8642".into()),
            ..Guard::default()
        };
        assert!(
            guard
                .check_literal(&Url::parse("http://127.0.0.1:8642/audio/x.wav").unwrap())
                .is_ok()
        );
        assert!(
            guard
                .check_literal(&Url::parse("http://127.0.0.1:5432/").unwrap())
                .is_err()
        );
        assert!(
            guard
                .check_literal(&Url::parse("https://127.0.0.1:8642/").unwrap())
                .is_err()
        );
    }

    #[test]
    fn hosts_that_the_configuration_names_are_permitted() {
        let guard = Guard {
            hosts: allowed_hosts(&["10.0.0.7".to_owned()]).unwrap(),
            ..Guard::default()
        };
        assert!(
            guard
                .check_literal(&Url::parse("http://10.0.0.7:8080/x.wav").unwrap())
                .is_ok()
        );
        assert!(
            guard
                .check_literal(&Url::parse("http://10.0.0.8/x.wav").unwrap())
                .is_err()
        );
    }

    #[test]
    fn hosts_have_one_spelling() {
        let allowed = |text: &str, url: &str| {
            let guard = Guard {
                hosts: allowed_hosts(&[text.to_owned()]).unwrap(),
                ..Guard::default()
            };
            let host = Url::parse(url).unwrap().host().unwrap().to_owned();
            guard.hosts.contains(&host)
        };
        for (text, url) in [
            ("Files.Example.COM", "http://files.example.com/"),
            ("files.example.com.", "http://FILES.example.com:81/"),
            ("::1", "http://[::1]/"),
            ("[::1]", "http://[0:0::1]/"),
            ("bücher.example", "http://xn--bcher-kva.example/"),
            ("my_files", "http://my_files/"),
            ("10.0.0.7", "http://10.0.0.7:8080/"),
        ] {
            assert!(allowed(text, url), "{text}");
        }
        let wrong = [
            "",
            ".",
            "a:80",
            "http://a",
            "a/b",
            "*.a.example",
            "a b",
            "a..b",
            "[::1]:80",
        ];
        let texts: Vec<String> = ["fine"]
            .iter()
            .chain(&wrong)
            .map(|text| (*text).to_owned())
            .collect();
        assert_eq!(allowed_hosts(&texts).unwrap_err(), wrong);
    }

    #[test]
    fn a_center_on_loopback_permits_loopback_and_nothing_more() {
        assert!(
            Guard {
                loopback: true,
                ..Guard::default()
            }
            .permits("127.0.0.1".parse().unwrap())
        );
        assert!(
            Guard {
                loopback: true,
                ..Guard::default()
            }
            .permits("::ffff:127.0.0.1".parse().unwrap())
        );
        assert!(
            !Guard {
                loopback: true,
                ..Guard::default()
            }
            .permits("10.0.0.1".parse().unwrap())
        );
    }

    #[test]
    fn numbers_in_urls_are_checked_in_every_spelling() {
        for url in [
            "http://127.1/x",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://0/",
        ] {
            assert!(
                Guard::default().check_literal(&Url::parse(url).unwrap()).is_err(),
                "{url}"
            );
        }
        assert!(
            Guard::default()
                .check_literal(&Url::parse("http://example.com/").unwrap())
                .is_ok()
        );
    }
}
