//! Bearer tokens: granted to clients, checked on every call.

use crate::{
    secrets::{random_text, same_secret},
    tenant::Client,
};
use flow::Moment;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use std::{
    collections::{HashMap, VecDeque},
    sync::Mutex,
    time::Duration,
};
use wire::{
    ids::ClientId,
    oauth::{OAuthFault, Scopes, TokenRequest},
};

/// Most tokens that are valid at once; the oldest make room.
const MAX_TOKENS: usize = 10_000;

/// A granted token, as the answer states it.
pub(crate) struct Granted {
    pub(crate) token: String,
    pub(crate) lifetime: Duration,
    pub(crate) scopes: Scopes,
}

/// Who a valid token belongs to, and what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bearer {
    pub(crate) client: ClientId,
    pub(crate) scopes: Scopes,
}

type TokenHash = [u8; 32];

/// Clients and their tokens. Tokens are kept as hashes only.
pub(crate) struct Tokens {
    clients: HashMap<ClientId, (Client, SecretString)>,
    granted: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    by_hash: HashMap<TokenHash, (Bearer, Moment)>,
    in_order: VecDeque<TokenHash>,
}

impl Tokens {
    /// Clients with their secrets.
    pub(crate) fn new(clients: HashMap<ClientId, (Client, SecretString)>) -> Self {
        Self {
            clients,
            granted: Mutex::default(),
        }
    }

    /// Grants a token, or says why not.
    pub(crate) fn grant(&self, now: Moment, request: &TokenRequest) -> Result<Granted, OAuthFault> {
        let id = &request.credentials.client_id;
        let (client, secret) = self.clients.get(id).ok_or(OAuthFault::InvalidClient)?;
        if !same_secret(secret, &request.credentials.client_secret) {
            return Err(OAuthFault::InvalidClient);
        }
        let scopes = request.scopes.as_ref().unwrap_or(&client.scopes);
        if let Some(missing) = scopes.first_missing_from(&client.scopes) {
            return Err(OAuthFault::InvalidScope(missing.to_string()));
        }
        let token =
            random_text(32).map_err(|_| OAuthFault::InvalidRequest("no randomness to be had".into()))?;
        let bearer = Bearer {
            client: id.clone(),
            scopes: scopes.clone(),
        };
        self.remember(hash(&token), bearer, now + client.token_lifetime);
        Ok(Granted {
            token,
            lifetime: client.token_lifetime,
            scopes: scopes.clone(),
        })
    }

    fn remember(&self, hash: TokenHash, bearer: Bearer, expires: Moment) {
        let mut book = self.book();
        book.by_hash.insert(hash, (bearer, expires));
        book.in_order.push_back(hash);
        while book.in_order.len() > MAX_TOKENS {
            if let Some(oldest) = book.in_order.pop_front() {
                book.by_hash.remove(&oldest);
            }
        }
    }

    /// Whose token this is; `None` when it is unknown or expired.
    pub(crate) fn check(&self, now: Moment, token: &str) -> Option<Bearer> {
        let book = self.book();
        let (bearer, expires) = book.by_hash.get(&hash(token))?;
        (now < *expires).then(|| bearer.clone())
    }

    /// Forgets a client's tokens, as if they had been revoked.
    pub(crate) fn revoke_all(&self) {
        *self.book() = Book::default();
    }

    /// Whether this client exists; the key of the token endpoint's rate limit.
    pub(crate) fn knows(&self, client: &ClientId) -> bool {
        self.clients.contains_key(client)
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.granted
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::oauth::Scope;

    fn tokens() -> Tokens {
        let client = Client {
            secret: None,
            scopes: [Scope::ProfileRead, Scope::MediaRead].into_iter().collect(),
            token_lifetime: Duration::from_secs(3600),
        };
        Tokens::new(HashMap::from([(
            "demo".parse().unwrap(),
            (client, "right".to_owned().into()),
        )]))
    }

    fn request(secret: &str, scope: &str) -> TokenRequest {
        let body =
            format!("grant_type=client_credentials&client_id=demo&client_secret={secret}&scope={scope}");
        TokenRequest::parse(None, body.as_bytes()).unwrap()
    }

    fn at(seconds: u64) -> Moment {
        Moment::at(Duration::from_secs(seconds))
    }

    #[test]
    fn a_token_is_valid_until_its_last_second() {
        let tokens = tokens();
        let granted = tokens.grant(at(10), &request("right", "profile:read")).unwrap();
        let bearer = tokens.check(at(3609), &granted.token).unwrap();
        assert_eq!(bearer.scopes.to_string(), "profile:read");
        assert_eq!(tokens.check(at(3610), &granted.token), None);
        assert_eq!(tokens.check(at(11), "made up"), None);
    }

    #[test]
    fn without_a_scope_the_token_carries_all_of_the_clients() {
        let granted = tokens().grant(at(0), &request("right", "")).unwrap();
        assert_eq!(granted.scopes.to_string(), "media:read profile:read");
    }

    #[test]
    fn wrong_secrets_and_foreign_scopes_are_refused() {
        let refused = |request| tokens().grant(at(0), &request).err().map(|fault| fault.code());
        assert_eq!(refused(request("wrong", "")), Some("invalid_client"));
        assert_eq!(
            refused(request("right", "profile:read+bot:read")),
            Some("invalid_scope")
        );
    }

    #[test]
    fn the_book_is_bounded() {
        let tokens = tokens();
        let first = tokens.grant(at(0), &request("right", "")).unwrap();
        for _ in 0..MAX_TOKENS {
            tokens.grant(at(0), &request("right", "")).unwrap();
        }
        assert_eq!(tokens.check(at(0), &first.token), None);
        assert_eq!(tokens.book().by_hash.len(), MAX_TOKENS);
    }
}
