//! `POST /oauth/token` (contract section 1).

use crate::{app::App, limits::RouteClass};
use axum::{body::Bytes, extract::State, response::IntoResponse};
use flow::Moment;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;
use server::{Json, Refusal};
use std::sync::Arc;
use wire::oauth::{OAuthFault, TokenRequest};

/// Grants a token.
pub(crate) async fn token(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse, Refusal> {
    let request = parse(&headers, &body).map_err(|fault| Refusal::oauth(&fault))?;
    let now = app.clock.now();
    let client = app
        .tokens
        .verify(&request)
        .ok_or_else(|| turn_away(&app, now, &request))?;
    app.limits
        .count(now, client.id, RouteClass::Other)
        .map_err(Refusal::too_many)?;
    let granted = app
        .tokens
        .grant(now, client, request.scopes.as_ref())
        .map_err(|fault| Refusal::oauth(&fault))?;
    let mut response = Json(
        StatusCode::OK,
        json!({
            "access_token": granted.token,
            "token_type": "bearer",
            "expires_in": granted.lifetime.as_secs(),
            "scope": granted.scopes.to_string(),
        }),
    )
    .into_response();
    // RFC 6749, 5.1.
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The refusal of a wrong secret. It is counted apart: however many come, the right one gets through.
fn turn_away(app: &App, now: Moment, request: &TokenRequest) -> Refusal {
    let counted = app.tokens.claimed(request).map_or(Ok(()), |client| {
        app.limits.count(now, client, RouteClass::WrongSecrets)
    });
    match counted {
        Ok(()) => Refusal::oauth(&OAuthFault::InvalidClient),
        Err(wait) => Refusal::too_many(wait),
    }
}

fn parse(headers: &HeaderMap, body: &[u8]) -> Result<TokenRequest, OAuthFault> {
    let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str());
    let unreadable = |_| OAuthFault::InvalidRequest("the Authorization header is not visible ASCII".into());
    TokenRequest::parse(authorization.transpose().map_err(unreadable)?, body)
}
