//! OAuth 2.0 client credentials (contract section 1, RFC 6749 sections 2.3.1, 4.4 and 5).

use crate::ids::ClientId;
use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::{collections::BTreeSet, fmt, str::FromStr};

macro_rules! scopes {
    ($($variant:ident = $text:literal: $doc:literal),* $(,)?) => {
        /// A permission that a token can carry.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Scope { $(#[doc = $doc] $variant),* }

        impl Scope {
            /// Every scope the contract names.
            pub const ALL: &[Scope] = &[$(Scope::$variant),*];

            /// The scope as it is written.
            pub fn as_str(self) -> &'static str {
                match self { $(Scope::$variant => $text),* }
            }
        }
    };
}

scopes! {
    MediaManage = "media:manage": "Start and steer playback sessions.",
    MediaRead = "media:read": "Read playback sessions and assets.",
    MediaWrite = "media:write": "Upload prompt assets.",
    MediaCompile = "media:compile": "Compile prompts.",
    FlowRead = "flow:read": "Read flows.",
    AnalyticsRead = "analytics:read": "Query analytics.",
    AnalyticsWrite = "analytics:write": "Post analytics events.",
    ProfileRead = "profile:read": "Read customer profiles.",
    CallControlInbound = "callcontrol:inbound": "Take control of inbound calls.",
    CallControlMedia = "callcontrol:media": "Play to and listen to calls.",
    ConversationsRead = "conversations:read": "Read conversations.",
    ConversationsWrite = "conversations:write": "Create and change conversations.",
    BotRead = "bot:read": "Read bots.",
    BotWrite = "bot:write": "Talk through bots.",
    InteractionRead = "interaction:read": "Read interactions.",
    PostInteractionFormRead = "postinteractionform:read": "Read post-interaction forms.",
    WorkflowTaskCreate = "workflow:task:create": "Create follow-up tasks.",
    NotificationWrite = "notification:write": "Notify agents.",
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = OAuthFault;
    fn from_str(text: &str) -> Result<Self, OAuthFault> {
        let known = Scope::ALL.iter().find(|scope| scope.as_str() == text);
        known
            .copied()
            .ok_or_else(|| OAuthFault::InvalidScope(UnknownScopes::from_iter([text])))
    }
}

/// A set of scopes; written space separated.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Every scope.
    pub fn all() -> Self {
        Scope::ALL.iter().copied().collect()
    }

    /// Whether the scope is in the set.
    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Those of these scopes that `granted` lacks.
    pub fn missing_from(&self, granted: &Scopes) -> Scopes {
        self.0.difference(&granted.0).copied().collect()
    }

    /// Each scope of the set, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self.0.iter().map(|scope| scope.as_str()).collect();
        f.write_str(&texts.join(" "))
    }
}

impl FromStr for Scopes {
    type Err = OAuthFault;
    fn from_str(text: &str) -> Result<Self, OAuthFault> {
        let words = || text.split(' ').filter(|word| !word.is_empty());
        let known: Self = words().filter_map(|word| word.parse().ok()).collect();
        let unknown: UnknownScopes = words().filter(|word| word.parse::<Scope>().is_err()).collect();
        if unknown.0.is_empty() {
            Ok(known)
        } else {
            Err(OAuthFault::InvalidScope(unknown))
        }
    }
}

/// Most scopes that one refusal names.
const MAX_NAMED: usize = 20;

/// Scopes that are not granted, as they were written: each once, shortened, and only so many.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnknownScopes(Vec<String>);

impl<'a> FromIterator<&'a str> for UnknownScopes {
    fn from_iter<T: IntoIterator<Item = &'a str>>(words: T) -> Self {
        let mut named = Vec::new();
        for word in words.into_iter().map(crate::fault::shorten) {
            if named.contains(&word) {
                continue;
            }
            if named.len() == MAX_NAMED {
                named.push("…".to_owned());
                break;
            }
            named.push(word);
        }
        Self(named)
    }
}

impl fmt::Display for UnknownScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [only] => write!(f, "the scope {only:?} is unknown, or this client may not have it"),
            several => {
                let quoted: Vec<_> = several.iter().map(|word| format!("{word:?}")).collect();
                let quoted = quoted.join(", ");
                write!(
                    f,
                    "the scopes {quoted} are unknown, or this client may not have them"
                )
            }
        }
    }
}

/// Why a token was refused: the error codes of RFC 6749, 5.2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OAuthFault {
    /// `invalid_request`, 400.
    #[error("{0}")]
    InvalidRequest(String),
    /// `invalid_client`, 401 with `WWW-Authenticate`.
    #[error("the client is unknown or its secret is wrong; check the client id and secret")]
    InvalidClient,
    /// `invalid_scope`, 400.
    #[error("{0}")]
    InvalidScope(UnknownScopes),
    /// `unsupported_grant_type`, 400.
    #[error("the grant type {0:?} is not supported; use client_credentials")]
    UnsupportedGrantType(String),
}

impl OAuthFault {
    /// The code that goes into `error`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidScope(_) => "invalid_scope",
            Self::UnsupportedGrantType(_) => "unsupported_grant_type",
        }
    }

    /// The HTTP status of the answer.
    pub fn status(&self) -> u16 {
        if *self == Self::InvalidClient { 401 } else { 400 }
    }
}

/// A client's id and secret. The secret can't be printed.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Who asks.
    pub client_id: ClientId,
    /// What proves it.
    pub client_secret: SecretString,
}

impl Credentials {
    /// The value of an `Authorization: Basic` header (RFC 6749, 2.3.1: both parts form-encoded first).
    pub fn basic_header(&self) -> SecretString {
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!(
            "{}:{}",
            encode(self.client_id.as_str()),
            encode(self.client_secret.expose_secret())
        );
        format!("Basic {}", BASE64_STANDARD.encode(pair)).into()
    }

    fn new(id: &str, secret: String) -> Result<Self, OAuthFault> {
        let client_id = id.parse().map_err(|_| OAuthFault::InvalidClient)?;
        Ok(Self {
            client_id,
            client_secret: secret.into(),
        })
    }
}

/// The client in an `Authorization: Basic` header. RFC 6749 wants both parts form-encoded, but most programs write them
/// as they are; of some secrets nobody can tell which it was.
struct Basic {
    credentials: Credentials,
    alternative: Option<Credentials>,
}

impl Basic {
    fn parse(header: &str) -> Result<Self, OAuthFault> {
        let pair = header
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
            .and_then(|(_, encoded)| BASE64_STANDARD.decode(encoded.trim()).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| OAuthFault::InvalidRequest("the Authorization header is not HTTP Basic".into()))?;
        let (id, secret) = pair.split_once(':').ok_or(OAuthFault::InvalidClient)?;
        let raw = Credentials::new(id, secret.to_owned());
        let Ok(decoded) = Credentials::new(&form_decode(id), form_decode(secret)) else {
            return raw.map(Self::from);
        };
        Ok(Self {
            alternative: raw.ok().filter(|raw| !same(raw, &decoded)),
            credentials: decoded,
        })
    }

    /// The reading that is the same as what the form says.
    fn agreeing(self, form: &Credentials) -> Option<Self> {
        [Some(self.credentials), self.alternative]
            .into_iter()
            .flatten()
            .find(|reading| same(reading, form))
            .map(Self::from)
    }
}

impl From<Credentials> for Basic {
    fn from(credentials: Credentials) -> Self {
        Self {
            credentials,
            alternative: None,
        }
    }
}

fn form_decode(text: &str) -> String {
    let form = format!("v={}", text.replace('&', "%26"));
    form_urlencoded::parse(form.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// A parsed `POST /oauth/token`.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// Who asks.
    pub credentials: Credentials,
    /// Who asks if the HTTP Basic header was not form-encoded, where that makes a difference.
    pub alternative: Option<Credentials>,
    /// What is asked for; `None` means all the client may have.
    pub scopes: Option<Scopes>,
}

impl TokenRequest {
    /// Reads the `Authorization` header, if any, and the form body.
    ///
    /// The client may stand in either place; in both with different values, a field given twice, or a body that is no
    /// form is `invalid_request`.
    pub fn parse(authorization: Option<&str>, body: &[u8]) -> Result<Self, OAuthFault> {
        let form = TokenForm::parse(body)?;
        let client = match (authorization.map(Basic::parse).transpose()?, form.credentials()?) {
            (Some(basic), Some(form)) => basic.agreeing(&form).ok_or_else(|| {
                let text =
                    "the client stands in the Authorization header and in the form, with different values";
                OAuthFault::InvalidRequest(text.into())
            })?,
            (Some(basic), None) => basic,
            (None, Some(form)) => form.into(),
            (None, None) => return Err(OAuthFault::InvalidClient),
        };
        match form.grant_type.as_deref() {
            Some("client_credentials") => {}
            Some(other) => return Err(OAuthFault::UnsupportedGrantType(crate::fault::shorten(other))),
            None => return Err(OAuthFault::InvalidRequest("grant_type is missing".into())),
        }
        let scopes = form.scope.map(|scope| scope.parse::<Scopes>()).transpose()?;
        Ok(Self {
            credentials: client.credentials,
            alternative: client.alternative,
            scopes: scopes.filter(|scopes| !scopes.is_empty()),
        })
    }

    /// Every way to read who asks: one of them must be right.
    pub fn readings(&self) -> impl Iterator<Item = &Credentials> {
        std::iter::once(&self.credentials).chain(&self.alternative)
    }

    /// The form body that asks for a token; the client goes into the Basic header.
    pub fn form_body(scopes: Option<&Scopes>) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if let Some(scopes) = scopes {
            form.append_pair("scope", &scopes.to_string());
        }
        form.finish()
    }
}

fn same(a: &Credentials, b: &Credentials) -> bool {
    a.client_id == b.client_id && a.client_secret.expose_secret() == b.client_secret.expose_secret()
}

#[derive(Default)]
struct TokenForm {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    scope: Option<String>,
}

impl TokenForm {
    fn parse(body: &[u8]) -> Result<Self, OAuthFault> {
        if std::str::from_utf8(body).is_err() {
            return Err(OAuthFault::InvalidRequest(
                "the body is not a form in UTF-8".into(),
            ));
        }
        let mut form = TokenForm::default();
        for (name, value) in form_urlencoded::parse(body) {
            let field = match &*name {
                "grant_type" => &mut form.grant_type,
                "client_id" => &mut form.client_id,
                "client_secret" => &mut form.client_secret,
                "scope" => &mut form.scope,
                _ => continue,
            };
            if field.replace(value.into_owned()).is_some() {
                return Err(OAuthFault::InvalidRequest(format!("{name} is given twice")));
            }
        }
        Ok(form)
    }

    fn credentials(&self) -> Result<Option<Credentials>, OAuthFault> {
        match (&self.client_id, &self.client_secret) {
            (Some(id), Some(secret)) => Credentials::new(id, secret.clone()).map(Some),
            (Some(_), None) | (None, None) => Ok(None),
            (None, Some(_)) => Err(OAuthFault::InvalidRequest(
                "client_secret is given without client_id".into(),
            )),
        }
    }
}

/// The answer to a good token request. The token can't be printed.
#[derive(Debug, Clone, Deserialize)]
pub struct TokenAnswer {
    /// The bearer token.
    pub access_token: SecretString,
    /// Seconds until it expires.
    pub expires_in: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(authorization: Option<&str>, body: &str) -> Result<TokenRequest, OAuthFault> {
        TokenRequest::parse(authorization, body.as_bytes())
    }

    fn credentials(id: &str, secret: &str) -> Credentials {
        Credentials::new(id, secret.into()).unwrap()
    }

    #[test]
    fn the_client_may_stand_in_the_header_or_in_the_form() {
        let basic = credentials("demo:client", "s&c=r+t %").basic_header();
        for (header, body) in [
            (
                Some(basic.expose_secret()),
                "grant_type=client_credentials".to_owned(),
            ),
            (
                None,
                "grant_type=client_credentials&client_id=demo%3Aclient&client_secret=s%26c%3Dr%2Bt+%25"
                    .to_owned(),
            ),
        ] {
            let request = parse(header, &body).unwrap();
            assert_eq!(request.credentials.client_id.as_str(), "demo:client");
            assert_eq!(request.credentials.client_secret.expose_secret(), "s&c=r+t %");
            assert_eq!(request.scopes, None);
        }
    }

    #[test]
    fn both_places_must_agree() {
        let basic = credentials("a", "b").basic_header();
        let header = Some(basic.expose_secret());
        assert!(
            parse(
                header,
                "grant_type=client_credentials&client_id=a&client_secret=b"
            )
            .is_ok()
        );
        let other = parse(
            header,
            "grant_type=client_credentials&client_id=a&client_secret=c",
        );
        assert_eq!(other.unwrap_err().code(), "invalid_request");
    }

    #[test]
    fn every_refusal_has_its_code() {
        let form = "client_id=a&client_secret=b";
        for (body, code) in [
            (format!("{form}&grant_type=password"), "unsupported_grant_type"),
            (form.to_owned(), "invalid_request"),
            (
                format!("{form}&grant_type=client_credentials&scope=profile:read+fly"),
                "invalid_scope",
            ),
            (
                format!("{form}&grant_type=client_credentials&grant_type=client_credentials"),
                "invalid_request",
            ),
            ("grant_type=client_credentials".to_owned(), "invalid_client"),
            (
                "grant_type=client_credentials&client_secret=b".to_owned(),
                "invalid_request",
            ),
        ] {
            assert_eq!(parse(None, &body).unwrap_err().code(), code, "{body}");
        }
        assert_eq!(
            parse(Some("Bearer x"), form).unwrap_err().code(),
            "invalid_request"
        );
        assert_eq!(
            TokenRequest::parse(None, b"\xff").unwrap_err().code(),
            "invalid_request"
        );
    }

    #[test]
    fn scopes_are_a_set() {
        let scopes: Scopes = "profile:read  callcontrol:media profile:read".parse().unwrap();
        assert_eq!(scopes.to_string(), "profile:read callcontrol:media");
        assert!(Scopes::all().missing_from(&Scopes::all()).is_empty());
        assert_eq!(scopes.missing_from(&Scopes::default()), scopes);
    }

    #[test]
    fn every_unknown_scope_is_named_once_and_a_flood_is_cut() {
        let refusal = |text: &str| text.parse::<Scopes>().unwrap_err().to_string();
        assert_eq!(
            refusal("bogus:x profile:read other:y bogus:x"),
            "the scopes \"bogus:x\", \"other:y\" are unknown, or this client may not have them"
        );
        assert_eq!(
            refusal("fly"),
            "the scope \"fly\" is unknown, or this client may not have it"
        );
        let flood: Vec<_> = (0..100_000).map(|at| format!("s{at}")).collect();
        assert!(refusal(&flood.join(" ")).len() < 2000);
    }

    #[test]
    fn a_basic_header_may_be_raw_or_encoded() {
        let basic = |pair: &str| format!("Basic {}", BASE64_STANDARD.encode(pair));
        let secrets = |pair: &str| {
            let request = parse(Some(&basic(pair)), "grant_type=client_credentials").unwrap();
            let secret = |reading: &Credentials| reading.client_secret.expose_secret().to_owned();
            request.readings().map(secret).collect::<Vec<_>>()
        };
        assert_eq!(secrets("a:plain"), ["plain"]);
        assert_eq!(secrets("a:x+y%41"), ["x yA", "x+y%41"]);
        assert_eq!(secrets("a:b:c"), ["b:c"]);
        // What is no id when it is decoded may be one as it stands.
        assert_eq!(secrets("a%00:x"), ["x"]);

        let both = |secret: &str| {
            let body = format!("grant_type=client_credentials&client_id=a&client_secret={secret}");
            parse(Some(&basic("a:x+y")), &body)
        };
        for (form, secret) in [("x%2By", "x+y"), ("x+y", "x y")] {
            let request = both(form).unwrap();
            assert_eq!(request.readings().count(), 1);
            assert_eq!(request.credentials.client_secret.expose_secret(), secret);
        }
        assert_eq!(both("xy").unwrap_err().code(), "invalid_request");
    }

    #[test]
    fn secrets_are_not_printed() {
        let request = parse(
            None,
            "grant_type=client_credentials&client_id=a&client_secret=hunter2",
        )
        .unwrap();
        assert!(!format!("{request:?}").contains("hunter2"));
        let answer: TokenAnswer =
            serde_json::from_str(r#"{"access_token":"hunter2","expires_in":60}"#).unwrap();
        assert!(!format!("{answer:?}").contains("hunter2"));
    }
}
