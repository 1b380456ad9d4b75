//! Every path of the center. A new capability adds its lines here.

use super::door::{Access, MAX_BODY_BYTES, administer, authorize, idempotent, strike};
use crate::{
    admin, agents, app::App, bots, callcontrol, completions, conversations, desk, interactions,
    limits::RouteClass, media, notifications, oauth, page, playback, profiles, public, tasks,
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    routing::{MethodRouter, delete, get, post, put},
};
use http::StatusCode;
use server::{Refusal, bounded, correlate, hurry};
use std::sync::Arc;
use wire::oauth::Scope;

/// The whole center as one service, with other routes beside its own.
pub(crate) fn router(app: Arc<App>, beside: Option<Router>) -> Router {
    let remembered = || from_fn_with_state(app.clone(), idempotent);
    let authorized = |scopes: &'static [Scope], class, route: MethodRouter<Arc<App>>| {
        let access = Access {
            app: app.clone(),
            scopes,
            class,
        };
        route.layer(from_fn_with_state(access, authorize))
    };
    let guarded = |scopes: &'static [Scope], class, route: MethodRouter<Arc<App>>| {
        authorized(scopes, class, route.layer(remembered()))
    };

    let platform = Router::new()
        // Not remembered: nobody vouches for who asks, and asking again is harmless.
        .route("/oauth/token", post(oauth::token))
        .route(
            "/api/v2/profiles/external/{external_id}",
            guarded(
                &[Scope::ProfileRead],
                RouteClass::ProfileReads,
                get(profiles::by_external_id),
            ),
        )
        .route(
            "/api/v2/callcontrol/websocket",
            guarded(
                &[Scope::CallControlInbound, Scope::CallControlMedia],
                RouteClass::Other,
                get(callcontrol::upgrade),
            ),
        )
        .route(
            "/api/v2/workflows/tasks",
            // The store remembers keys ([`crate::once`]).
            authorized(
                &[Scope::WorkflowTaskCreate],
                RouteClass::Other,
                get(tasks::list).post(tasks::create),
            ),
        )
        .route(
            "/api/v2/workflows/tasks/{id}",
            guarded(
                &[Scope::WorkflowTaskCreate],
                RouteClass::Other,
                get(tasks::find).patch(tasks::change),
            ),
        )
        .route(
            "/api/v2/notifications/agents",
            // The store remembers keys ([`crate::once`]).
            authorized(
                &[Scope::NotificationWrite],
                RouteClass::Other,
                post(notifications::notify),
            ),
        )
        .route(
            "/api/v2/interactions/{id}/postinteractionforms",
            guarded(
                &[Scope::InteractionRead, Scope::PostInteractionFormRead],
                RouteClass::Other,
                get(interactions::form),
            ),
        )
        .route(
            "/api/v2/media/assets",
            guarded(&[Scope::MediaRead], RouteClass::Other, get(media::list)),
        )
        .route(
            "/api/v2/media/assets/{id}",
            guarded(&[Scope::MediaRead], RouteClass::Other, get(media::find)).merge(guarded(
                &[Scope::MediaWrite],
                RouteClass::Other,
                delete(media::delete),
            )),
        )
        .route(
            "/api/v2/media/compile",
            // The store remembers keys ([`crate::once`]).
            authorized(
                &[Scope::MediaCompile, Scope::FlowRead],
                RouteClass::Other,
                post(media::accept),
            ),
        )
        .route(
            "/api/v2/media/compile/{id}",
            guarded(&[Scope::MediaCompile], RouteClass::Other, get(media::job)),
        )
        .route(
            "/api/v2/media/sessions",
            guarded(
                &[Scope::MediaManage],
                RouteClass::SessionCreations,
                post(playback::create),
            )
            .merge(guarded(
                &[Scope::MediaManage],
                RouteClass::Other,
                get(playback::list),
            )),
        )
        .route(
            "/api/v2/media/sessions/{id}",
            guarded(
                &[Scope::MediaManage],
                RouteClass::Other,
                get(playback::find).delete(playback::stop),
            ),
        )
        .route(
            "/api/v2/media/sessions/{id}/control",
            guarded(&[Scope::MediaManage], RouteClass::Other, post(playback::control)),
        )
        .route(
            "/api/v2/analytics/events/custom",
            guarded(
                &[Scope::AnalyticsWrite],
                RouteClass::Other,
                post(playback::custom_event),
            ),
        )
        .route(
            "/api/v2/conversations",
            // The keys of what is created and said are remembered with it.
            authorized(
                &[Scope::ConversationsRead],
                RouteClass::Other,
                get(conversations::list),
            )
            .merge(authorized(
                &[Scope::ConversationsWrite],
                RouteClass::Other,
                post(conversations::create),
            )),
        )
        .route(
            "/api/v2/conversations/{id}",
            authorized(
                &[Scope::ConversationsRead],
                RouteClass::Other,
                get(conversations::find),
            )
            .merge(authorized(
                &[Scope::ConversationsWrite],
                RouteClass::Other,
                put(conversations::change),
            )),
        )
        .route(
            "/api/v2/conversations/{id}/interactions",
            authorized(
                &[Scope::ConversationsRead],
                RouteClass::Other,
                get(conversations::interactions),
            )
            .merge(authorized(
                &[Scope::ConversationsWrite],
                RouteClass::Other,
                post(conversations::post),
            )),
        )
        .route(
            "/api/v2/conversations/{id}/interactions/{interaction}/read",
            guarded(
                &[Scope::ConversationsWrite],
                RouteClass::Other,
                post(conversations::mark_read),
            ),
        )
        .route(
            "/api/v2/analytics/conversations/details/query",
            guarded(
                &[Scope::AnalyticsRead],
                RouteClass::Other,
                post(conversations::details),
            ),
        )
        .route(
            "/api/v2/flows/{id}/prompts",
            guarded(&[Scope::FlowRead], RouteClass::Other, get(media::of_flow)),
        )
        .route("/media/compiled/{file}", get(media::compiled))
        .route("/agent-assets/{file}", get(page::asset))
        .route("/audio/{file}", get(public::audio_file))
        .route("/health", get(public::health));

    // Uploads have bounds of their own, and no memory: they are known by their bytes.
    let uploads = Router::new().route(
        "/api/v2/media/assets",
        authorized(&[Scope::MediaWrite], RouteClass::Other, post(media::upload)),
    );

    let admin = Router::new()
        .route("/center/v1/calls", post(admin::place_call))
        .route("/center/v1/calls/{id}", get(admin::call).delete(admin::end_call))
        .route("/center/v1/calls/{id}/recording", get(admin::recording))
        .route("/center/v1/completions", post(completions::complete))
        .route(
            "/center/v1/conversations/{id}/clock",
            post(conversations::advance),
        )
        .route("/center/v1/bots/{id}", get(bots::find))
        .route("/center/v1/prompts", get(admin::prompts))
        .route("/center/v1/status", get(admin::status))
        .route(
            "/center/v1/faults",
            get(admin::faults)
                .post(admin::add_fault)
                .delete(admin::clear_faults),
        )
        .route("/center/v1/agents", get(agents::list))
        .route("/center/v1/tokens", delete(admin::revoke_tokens))
        .layer(remembered())
        .layer(from_fn_with_state(app.clone(), administer));

    let desktops = Router::new()
        .route("/agent/{id}", get(desk::page))
        .route("/agent/{id}/desk", get(desk::snapshot))
        .route("/agent/{id}/events", get(desk::events))
        .route("/agent/{id}/tasks/{task}/{deed}", post(desk::deed))
        .layer(DefaultBodyLimit::max(desk::MAX_BODY_BYTES))
        .layer(from_fn_with_state(app.clone(), desk::admit));

    platform
        .merge(admin)
        .merge(desktops)
        .fallback(|| async { Refusal::new(StatusCode::NOT_FOUND, "there is nothing at this path") })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn_with_state(MAX_BODY_BYTES, bounded))
        .merge(uploads)
        .with_state(app.clone())
        .merge(beside.unwrap_or_default())
        .layer(from_fn(hurry))
        .layer(from_fn_with_state(app, strike))
        .layer(from_fn(correlate))
}
