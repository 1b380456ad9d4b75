//! From where a request comes, by what browsers say of it.

use http::{HeaderMap, header, uri::Authority};
use std::net::IpAddr;

/// Whether the request names the center by a name of the machine it runs on.
pub(super) fn is_of_machine(headers: &HeaderMap, names: &[String]) -> bool {
    let host = text(headers, header::HOST.as_str()).and_then(|host| host.parse::<Authority>().ok());
    host.is_some_and(|host| is_name_of_machine(&host.host().to_ascii_lowercase(), names))
}

fn is_name_of_machine(host: &str, names: &[String]) -> bool {
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    address.is_ok_and(|address| address.is_loopback())
        || host == "localhost"
        || host.ends_with(".localhost")
        || names.iter().any(|name| is_covered(host, name))
}

/// Whether a name of a certificate, which may begin with a wildcard, covers the host.
fn is_covered(host: &str, name: &str) -> bool {
    match name.strip_prefix("*.") {
        None => host == name,
        Some(rest) => host
            .split_once('.')
            .is_some_and(|(label, parent)| !label.is_empty() && parent == rest),
    }
}

/// Whether a browser says that a page of another site asks. Programs that are no browser say nothing.
pub(super) fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    if let Some(site) = text(headers, "sec-fetch-site") {
        // `none`: the person typed the address.
        return !["same-origin", "none"].contains(&site);
    }
    match headers.get(header::ORIGIN) {
        None => false,
        Some(origin) => {
            let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
            let host = text(headers, header::HOST.as_str());
            !origin
                .zip(host)
                .is_some_and(|((_, origin), host)| origin.eq_ignore_ascii_case(host))
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn only_names_of_the_machine_are_taken() {
        let names = ["acme.api.cxone.com".to_owned(), "*.example.org".to_owned()];
        let is_taken = |host: &'static str| is_of_machine(&headers(&[("host", host)]), &names);
        for host in [
            "localhost",
            "LOCALHOST:8642",
            "127.0.0.1:1",
            "127.9.9.9",
            "[::1]:8642",
            "a.localhost",
            "acme.api.cxone.com:443",
            "desk.example.org",
        ] {
            assert!(is_taken(host), "{host}");
        }
        for host in [
            "evil.com",
            "localhost.evil.com",
            "127.0.0.1.evil.com",
            "10.0.0.1",
            "example.org",
            "a.b.example.org",
            "",
            "[::2]",
            "notlocalhost",
        ] {
            assert!(!is_taken(host), "{host}");
        }
        assert!(!is_of_machine(&HeaderMap::new(), &names));
    }

    #[test]
    fn browsers_say_when_another_site_asks() {
        let host = ("host", "localhost:8642");
        let own = ("origin", "http://localhost:8642");
        for from_here in [
            &[][..],
            &[own],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "none")],
        ] {
            let pairs = [&[host], from_here].concat();
            assert!(!is_from_elsewhere(&headers(&pairs)), "{pairs:?}");
        }
        for from_there in [
            &[("origin", "http://evil.com")][..],
            &[("origin", "null")],
            &[("origin", "http://localhost:1")],
            &[("sec-fetch-site", "cross-site"), own],
            &[("sec-fetch-site", "same-site")],
        ] {
            let pairs = [&[host], from_there].concat();
            assert!(is_from_elsewhere(&headers(&pairs)), "{pairs:?}");
        }
    }
}
