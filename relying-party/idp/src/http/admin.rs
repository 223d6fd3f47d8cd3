//! The administrators' pages: one gate, one list of routes, and for each route a handler that makes one call into
//! [`crate::administration`] and shows what came of it.
//!
//! A change is a POST; it answers with a redirect to the page, which then says what was done, or with the page at once
//! and why not. Only what is shown once (a secret, a pass, a link) is rendered into the answer of the POST: it is
//! nowhere kept, and a reload asks before it makes another one.

mod app_page;
mod apps;
mod changes;
mod device_rules;
mod devices;
mod gate;
mod groups;
mod helpdesk;
mod logs;
mod names;
mod pages_of_user;
mod pin_resets;
mod policies;
mod query;
mod reset_keys;
mod tenants;
mod texts;
mod user_devices;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use crate::provider::Provider;

/// A route's method and path.
pub type AdminRoute = (&'static str, &'static str);

macro_rules! routes {
    ($($method:ident $path:literal $handler:path;)*) => {
        /// Every route of the administrators' pages, for tests that walk all of them.
        pub const ADMIN_ROUTES: &[AdminRoute] = &[$((stringify!($method), $path)),*];

        /// The routes, behind their gate.
        pub(super) fn routes(provider: &Arc<Provider>) -> Router<Arc<Provider>> {
            Router::new()
                $(.route($path, $method($handler)))*
                .route_layer(from_fn_with_state(Arc::clone(provider), gate::gate))
        }
    };
}

routes! {
    get "/admin" tenants::start;
    get "/admin/tenants" tenants::list;
    post "/admin/tenants" tenants::create;

    get "/admin/{tenant}/users" users::list;
    post "/admin/{tenant}/users" users::create;
    get "/admin/{tenant}/users/{id}" users::show;
    post "/admin/{tenant}/users/{id}/{change}" users::change;
    post "/admin/{tenant}/users/{id}/methods/{method}/delete" users::remove_method;
    post "/admin/{tenant}/users/{id}/sessions/revoke" users::revoke_sessions;
    post "/admin/{tenant}/users/{id}/sessions/{session}/revoke" users::revoke_session;
    post "/admin/{tenant}/users/{id}/devices/{device}/{change}" user_devices::change;
    post "/admin/{tenant}/users/{id}/keys/{key}/delete" user_devices::remove_key;

    get "/admin/{tenant}/groups" groups::list;
    post "/admin/{tenant}/groups" groups::create;
    get "/admin/{tenant}/groups/{id}" groups::show;
    post "/admin/{tenant}/groups/{id}/delete" groups::delete;
    post "/admin/{tenant}/groups/{id}/members" groups::add_member;
    post "/admin/{tenant}/groups/{id}/members/{user}/delete" groups::remove_member;

    get "/admin/{tenant}/devices" devices::list;
    get "/admin/{tenant}/devices/{id}" devices::show;
    post "/admin/{tenant}/devices/{id}/{change}" devices::change;
    post "/admin/{tenant}/devices/{id}/keys/{key}/delete" devices::remove_key;

    get "/admin/{tenant}/apps" apps::list;
    get "/admin/{tenant}/apps/new" apps::new;
    post "/admin/{tenant}/apps" apps::create;
    get "/admin/{tenant}/apps/{id}" apps::show;
    post "/admin/{tenant}/apps/{id}" apps::save;
    post "/admin/{tenant}/apps/{id}/{thing}" apps::add;
    post "/admin/{tenant}/apps/{id}/{thing}/{verb}" apps::remove;
    post "/admin/{tenant}/apps/{id}/secrets/{secret}/delete" apps::delete_secret;

    get "/admin/{tenant}/policies" policies::show;
    post "/admin/{tenant}/policies/{which}" policies::save;
    post "/admin/{tenant}/policies/aaguids/{aaguid}/delete" policies::delete_model;

    get "/admin/{tenant}/pin-resets" pin_resets::show;
    post "/admin/{tenant}/pin-resets/rules" pin_resets::decide;
    get "/admin/{tenant}/pin-resets/keys" reset_keys::show;
    post "/admin/{tenant}/pin-resets/keys/rotate" reset_keys::rotate;
    post "/admin/{tenant}/pin-resets/keys/retire" reset_keys::retire;

    get "/admin/{tenant}/helpdesk" helpdesk::show;
    post "/admin/{tenant}/helpdesk" helpdesk::open;
    post "/admin/{tenant}/helpdesk/{case}/approve" helpdesk::approve;
    post "/admin/{tenant}/helpdesk/{case}/decline" helpdesk::decline;

    get "/admin/{tenant}/sign-ins" logs::sign_ins;
    get "/admin/{tenant}/audit" logs::audit;
    post "/admin/{tenant}/audit/check" logs::check;
}
