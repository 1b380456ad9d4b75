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
    oauth::{OAuthFault, Scope, Scopes, TokenRequest},
};

/// Most tokens that are valid at once; the oldest make room.
const MAX_TOKENS: usize = 10_000;

/// A granted token, as the answer states it.
pub(crate) struct Granted {
    pub(crate) token: String,
    pub(crate) lifetime: Duration,
    pub(crate) scopes: Scopes,
}

/// A client that gave the right secret.
#[derive(Clone, Copy)]
pub(crate) struct Verified<'a> {
    pub(crate) id: &'a ClientId,
    client: &'a Client,
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

    /// Whose secret this is, read one way or the other.
    pub(crate) fn verify(&self, request: &TokenRequest) -> Option<Verified<'_>> {
        request.readings().find_map(|reading| {
            let (id, (client, secret)) = self.clients.get_key_value(&reading.client_id)?;
            same_secret(secret, &reading.client_secret).then_some(Verified { id, client })
        })
    }

    /// The client that the request claims to come from, if there is such a one.
    pub(crate) fn claimed(&self, request: &TokenRequest) -> Option<&ClientId> {
        let known = |id| self.clients.get_key_value(id).map(|(id, _)| id);
        request.readings().find_map(|reading| known(&reading.client_id))
    }

    /// Grants a token, or says why not.
    pub(crate) fn grant(
        &self,
        now: Moment,
        Verified { id, client }: Verified<'_>,
        scopes: Option<&Scopes>,
    ) -> Result<Granted, OAuthFault> {
        let scopes = scopes.unwrap_or(&client.scopes);
        let missing = scopes.missing_from(&client.scopes);
        if !missing.is_empty() {
            let missing = missing.iter().map(Scope::as_str).collect();
            return Err(OAuthFault::InvalidScope(missing));
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

    fn grant(tokens: &Tokens, now: Moment, request: &TokenRequest) -> Result<Granted, OAuthFault> {
        let verified = tokens.verify(request).unwrap();
        tokens.grant(now, verified, request.scopes.as_ref())
    }

    #[test]
    fn a_token_is_valid_until_its_last_second() {
        let tokens = tokens();
        let granted = grant(&tokens, at(10), &request("right", "profile:read")).unwrap();
        let bearer = tokens.check(at(3609), &granted.token).unwrap();
        assert_eq!(bearer.scopes.to_string(), "profile:read");
        assert_eq!(tokens.check(at(3610), &granted.token), None);
        assert_eq!(tokens.check(at(11), "made up"), None);
    }

    #[test]
    fn without_a_scope_the_token_carries_all_of_the_clients() {
        let granted = grant(&tokens(), at(0), &request("right", "")).unwrap();
        assert_eq!(granted.scopes.to_string(), "media:read profile:read");
    }

    #[test]
    fn wrong_secrets_and_foreign_scopes_are_refused() {
        let tokens = tokens();
        let wrong = request("wrong", "");
        assert!(tokens.verify(&wrong).is_none());
        assert_eq!(tokens.claimed(&wrong), Some(&"demo".parse().unwrap()));
        let foreign = grant(&tokens, at(0), &request("right", "profile:read+bot:read"));
        assert_eq!(foreign.err().map(|fault| fault.code()), Some("invalid_scope"));
    }

    #[test]
    fn the_book_is_bounded() {
        let tokens = tokens();
        let first = grant(&tokens, at(0), &request("right", "")).unwrap();
        for _ in 0..MAX_TOKENS {
            grant(&tokens, at(0), &request("right", "")).unwrap();
        }
        assert_eq!(tokens.check(at(0), &first.token), None);
        assert_eq!(tokens.book().by_hash.len(), MAX_TOKENS);
    }
}
