//! The door: what every request passes on its way in and out.

use crate::{
    app::App,
    idempotency::{Scope as KeyScope, StoredAnswer, Verdict},
    limits::{RouteClass, whole_seconds},
    secrets::same_secret,
    tokens::Bearer,
};
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use server::{Refusal, bearer_token};
use std::sync::Arc;
use wire::{ids::IdempotencyKey, oauth::Scope};

/// The largest body of a request that carries an idempotency key.
pub(crate) const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// Who asks, for idempotency keys.
#[derive(Debug, Clone)]
struct Principal(String);

/// Lets a fault on demand strike.
pub(crate) async fn strike(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let burden = if path.starts_with("/center/") {
        None
    } else {
        app.faults.strike(path)
    };
    let Some(burden) = burden else {
        return next.run(request).await;
    };
    tokio::time::sleep(burden.delay).await;
    let Some(status) = burden.status.and_then(|status| StatusCode::from_u16(status).ok()) else {
        return next.run(request).await;
    };
    let refusal = Refusal::new(status, "this fault was asked for");
    match burden.retry_after_s {
        Some(seconds) => refusal
            .with_header(header::RETRY_AFTER, &seconds.to_string())
            .into_response(),
        None => refusal.into_response(),
    }
}

/// What a route asks of a token, and what it counts as.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) app: Arc<App>,
    pub(crate) scopes: &'static [Scope],
    pub(crate) class: RouteClass,
}

/// Lets in who carries a good token with the right scopes and is within the rate limit.
pub(crate) async fn authorize(State(access): State<Access>, mut request: Request, next: Next) -> Response {
    match admit(&access, request.headers()) {
        Ok(bearer) => {
            request
                .extensions_mut()
                .insert(Principal(format!("client {}", bearer.client)));
            request.extensions_mut().insert(bearer);
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

fn admit(access: &Access, headers: &HeaderMap) -> Result<Bearer, Refusal> {
    let token = bearer_token(headers)
        .ok_or_else(|| Refusal::unauthorized("a bearer token is needed; get one from POST /oauth/token"))?;
    let now = access.app.clock.now();
    let bearer = access
        .app
        .tokens
        .check(now, token)
        .ok_or_else(|| Refusal::unauthorized("the token is unknown or expired; get a new one"))?;
    if let Some(missing) = access
        .scopes
        .iter()
        .find(|scope| !bearer.scopes.contains(**scope))
    {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            format!("the token lacks the scope {missing}"),
        ));
    }
    access
        .app
        .limits
        .count(now, &bearer.client, access.class)
        .map_err(Refusal::too_many)?;
    Ok(bearer)
}

/// Lets in who carries the admin token.
pub(crate) async fn administer(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let token = bearer_token(request.headers()).map(|token| token.to_owned().into());
    if !token.is_some_and(|token| same_secret(&token, &app.admin_token)) {
        let message = "the admin token is needed; the center prints it at the start (TRUNKLINE_ADMIN_TOKEN)";
        return Refusal::unauthorized(message).into_response();
    }
    request.extensions_mut().insert(Principal("admin".into()));
    next.run(request).await
}

/// Honours `Idempotency-Key` on a POST. Stands behind the check of the token: a key belongs to a client or to the
/// administrator, and for a request without either nothing is remembered.
pub(crate) async fn idempotent(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let key = request.headers().get("idempotency-key").cloned();
    let key = key.filter(|_| request.method() == Method::POST);
    let principal = request.extensions().get::<Principal>().cloned();
    let (Some(key), Some(principal)) = (key, principal) else {
        return next.run(request).await;
    };
    // In a task of its own: who hangs up half-way and asks again must not have it done twice.
    let answered = tokio::spawn(async move { once(&app, principal, key, request, next).await });
    match answered.await {
        Ok(Ok(response)) => response,
        Ok(Err(refusal)) => refusal.into_response(),
        Err(error) => Refusal::internal(&error).into_response(),
    }
}

/// Reads the header `Idempotency-Key`.
pub(crate) fn key_of(header: &HeaderValue) -> Result<IdempotencyKey, Refusal> {
    let bad_key = |reason: String| Refusal::faults(wire::Faults::one(format!("Idempotency-Key {reason}")));
    let key = header
        .to_str()
        .map_err(|_| bad_key("must be visible ASCII".into()))?;
    key.parse()
        .map_err(|error: wire::ids::IdError| bad_key(error.to_string()))
}

async fn once(
    app: &App,
    principal: Principal,
    key: HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let key = key_of(&key)?;
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| {
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body must be at most {MAX_BODY_BYTES} bytes"),
        )
    })?;
    let scope = KeyScope::new(principal.0, parts.uri.path(), &key);
    loop {
        match app.idempotency.ask(app.clock.now(), scope.clone(), &body) {
            Verdict::Repeat(answer) => return Ok(repeat(*answer)),
            Verdict::Wait(mut done) => {
                // The sender is dropped when the first request is done, one way or the other.
                let _ = done.changed().await;
            }
            Verdict::OtherBody => {
                let message = "this Idempotency-Key was used with another body; use a new key";
                return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, message));
            }
            Verdict::Full(wait) => {
                let message = "too many Idempotency-Keys are remembered; try later, or send no key";
                return Err(Refusal::unavailable(message, whole_seconds(wait)));
            }
            Verdict::Proceed(claim) => {
                let response = next.run(Request::from_parts(parts, Body::from(body))).await;
                return keep(claim, response).await;
            }
        }
    }
}

/// Keeps the answer for repeats, a refusal too; but not what may go better the next time.
async fn keep(claim: crate::idempotency::Claim, mut response: Response) -> Result<Response, Refusal> {
    let status = response.status();
    let worth_keeping = !status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS;
    let refusal = response.extensions_mut().remove::<Refusal>();
    let (parts, body) = response.into_parts();
    let body: Bytes = to_bytes(body, usize::MAX)
        .await
        .map_err(|error| Refusal::internal(&error))?;
    let answer = StoredAnswer {
        status,
        headers: parts.headers,
        body,
        refusal,
    };
    if worth_keeping {
        claim.answered(answer.clone());
    }
    Ok(give(answer))
}

fn repeat(answer: StoredAnswer) -> Response {
    let mut response = give(answer);
    response
        .headers_mut()
        .insert("idempotency-replayed", HeaderValue::from_static("true"));
    response
}

fn give(answer: StoredAnswer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    if let Some(refusal) = answer.refusal {
        response.extensions_mut().insert(refusal);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Center, Options, Tenant};
    use axum::{Router, middleware::from_fn_with_state, routing::post};
    use futures_util::{StreamExt, stream};
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;
    use secrecy::ExposeSecret;
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };
    use tokio::sync::Notify;

    /// A route that counts, and answers only when it is told to.
    #[derive(Default)]
    struct Slow {
        begun: Notify,
        go_on: Notify,
        times: AtomicUsize,
    }

    fn request() -> Request {
        let request = Request::post("/slow").header("idempotency-key", "k");
        let request = request.extension(Principal("admin".into()));
        request.body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn who_hangs_up_and_asks_again_has_it_done_once() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options::local(folder.path().to_owned(), Tenant::small());
        let center = Center::start(options).await.unwrap();
        let slow = Arc::new(Slow::default());
        let route = {
            let slow = slow.clone();
            post(async move || {
                slow.times.fetch_add(1, Ordering::Relaxed);
                slow.begun.notify_one();
                slow.go_on.notified().await;
                StatusCode::CREATED
            })
        };
        let layer = from_fn_with_state(center.app.clone(), idempotent);
        let service = TowerToHyperService::new(Router::new().route("/slow", route).layer(layer));

        let first = service.call(request());
        tokio::select! {
            _ = first => panic!("it was to wait"),
            () = slow.begun.notified() => {}
        }
        // The connection is gone, and with it the first request.
        slow.go_on.notify_one();
        let answer = service.call(request()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        assert_eq!(answer.headers()["idempotency-replayed"], "true");
        assert_eq!(slow.times.load(Ordering::Relaxed), 1);
        center.close().await;
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options::local(folder.path().to_owned(), Tenant::small());
        let center = Center::start(options).await.unwrap();
        tokio::time::pause();
        let service = TowerToHyperService::new(crate::http::router(center.app.clone(), None));
        let admin = center.environment().get("TRUNKLINE_ADMIN_TOKEN").unwrap();
        for key in [None, Some("k")] {
            let begun = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{"))]);
            let request = Request::post("/center/v1/calls")
                .header("authorization", format!("Bearer {}", admin.expose_secret()));
            let request = key
                .into_iter()
                .fold(request, |request, key| request.header("idempotency-key", key));
            let request = request
                .body(Body::from_stream(begun.chain(stream::pending())))
                .unwrap();
            let answered = tokio::time::timeout(Duration::from_secs(120), service.call(request));
            let answer = answered.await.expect("the body is waited for for ever").unwrap();
            assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT, "{key:?}");
            let body = to_bytes(answer.into_body(), MAX_BODY_BYTES).await.unwrap();
            let body = String::from_utf8_lossy(&body).into_owned();
            assert!(body.contains(r#""code":"timeout""#), "{body}");
        }
    }
}
