//! Who may see a desktop, and act on it.
//!
//! A center that listens on loopback alone shows desktops to everybody on the machine, but to no page of another site: requests
//! must name the center by a name of the machine (else a site could have its name point here), and come from the desktop itself. A
//! center that others reach asks for the agent's key, once in the link and then in a cookie. The admin token opens every desktop.

use super::origin::{self, is_from_elsewhere};
use crate::{
    app::App,
    page::{self, Page},
    secrets::same_secret,
};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use server::{Refusal, bearer_token};
use std::sync::Arc;
use url::form_urlencoded;
use wire::ids::AgentId;

/// The name of the cookie that holds an agent's key.
const COOKIE: &str = "trunkline-agent";

/// A request that came over HTTPS.
#[derive(Clone)]
pub(crate) struct OverTls;

/// Who may see desktops.
pub(crate) enum Access {
    /// Whoever is on the machine, which has these names beside those of loopback.
    Machine {
        /// The names of the center's certificate.
        names: Vec<String>,
    },
    /// Who has the agent's key, which is made from this secret.
    Key(SecretString),
}

impl Access {
    /// What follows the path in an agent's link.
    pub(super) fn query(&self, agent: &AgentId) -> String {
        match self {
            Self::Machine { .. } => String::new(),
            Self::Key(secret) => format!("?key={}", key_of(secret, agent).expose_secret()),
        }
    }
}

/// The key of an agent: HMAC-SHA256 of the id, in hexadecimal.
fn key_of(secret: &SecretString, agent: &AgentId) -> SecretString {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    let tag = hmac::sign(&key, agent.as_str().as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    hex.into()
}

/// Lets in who may see the desktop that the path names, if it names one.
pub(crate) async fn admit(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let agent = agent_of(request.uri().path());
    let mut response = match check(&app, agent.as_deref(), &request) {
        Ok(cookie) => {
            let mut response = next.run(request).await;
            response
                .headers_mut()
                .extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
            response
        }
        Err(refusal) => turn_away(refusal, &request),
    };
    protect(response.headers_mut());
    response
}

/// Programs get the refusal, people a page that says what to do.
fn turn_away(refusal: Refusal, request: &Request) -> Response {
    let response = refusal.into_response();
    match is_page(request) && response.status() == StatusCode::FORBIDDEN {
        true => page::show(Page::Locked, request.headers()),
        false => response,
    }
}

/// Whether the agent's page itself is asked for.
fn is_page(request: &Request) -> bool {
    request.method() == Method::GET && request.uri().path().matches('/').count() <= 2
}

/// What a page of another site must not do with an answer, nor a cache.
fn protect(headers: &mut HeaderMap) {
    let more = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in more {
        set_unless_there(headers, name, value);
    }
}

fn set_unless_there(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

/// The agent of a path; ids of agents need no escaping there.
fn agent_of(path: &str) -> Option<String> {
    let rest = path.strip_prefix("/agent/")?;
    rest.split('/').next().map(str::to_owned)
}

/// A cookie to set, when the key came in the link.
fn check(app: &App, agent: Option<&str>, request: &Request) -> Result<Option<HeaderValue>, Refusal> {
    // The administrator's programs may do what every agent may. No page of another site has the token.
    let token = bearer_token(request.headers()).map(|token| token.to_owned().into());
    if token.is_some_and(|token| same_secret(&token, &app.admin_token)) {
        return Ok(None);
    }
    let cookie = match &app.desks.access {
        Access::Machine { names } => origin::is_of_machine(request.headers(), names)
            .then_some(None)
            .ok_or_else(wrong_host)?,
        Access::Key(secret) => match agent.map(|agent| opens(secret, agent, request)) {
            Some(Some(cookie)) => cookie,
            Some(None) => return Err(no_key()),
            // What is no agent's is everybody's.
            None => None,
        },
    };
    // A link may lead to the page from anywhere; all else is asked for by the page.
    if is_from_elsewhere(request.headers()) && !is_page(request) {
        let message = "a page of another site must not do this; open the agent's own page";
        return Err(Refusal::new(StatusCode::FORBIDDEN, message));
    }
    Ok(cookie)
}

fn wrong_host() -> Refusal {
    let message =
        "desktops are shown under names of this machine only; use http://localhost or http://127.0.0.1";
    Refusal::new(StatusCode::FORBIDDEN, message)
}

fn no_key() -> Refusal {
    let message = "the agent's key is needed; open the agent's link once (GET /center/v1/agents lists them)";
    Refusal::new(StatusCode::FORBIDDEN, message)
}

/// Whether the request has the agent's key: `Some`, with the cookie to set when it came in the query.
fn opens(secret: &SecretString, agent: &str, request: &Request) -> Option<Option<HeaderValue>> {
    let key = key_of(secret, &agent.parse().ok()?);
    let is_key = |given: &str| same_secret(&key, &given.to_owned().into());
    let query = request.uri().query().unwrap_or_default();
    let asked = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "key");
    if asked.is_some_and(|(_, given)| is_key(&given)) {
        // A cookie that came over HTTPS is not to be sent in clear.
        let secure = match request.extensions().get::<OverTls>() {
            Some(OverTls) => "; Secure",
            None => "",
        };
        let cookie = format!(
            "{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/agent/{agent}{secure}",
            key.expose_secret()
        );
        let mut cookie = HeaderValue::from_str(&cookie).ok()?;
        cookie.set_sensitive(true);
        return Some(Some(cookie));
    }
    cookies(request.headers()).any(is_key).then_some(None)
}

/// The values of the cookie; a browser may have one for each path.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|line| line.to_str().ok());
    let pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}
