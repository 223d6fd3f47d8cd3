//! The HTTP control, in the vocabularies of the suites that have one, and in ours.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::args::{Presence, Verification};
use crate::failure::Failure;
use crate::person::Person;
use crate::power::Power;

#[derive(Clone)]
struct Control {
    power: Arc<Power>,
    person: Arc<Person>,
    results: Arc<Mutex<Value>>,
}

/// Serves on these loopback ports, and says where.
pub async fn serve(ports: &[u16], power: Arc<Power>, person: Arc<Person>) -> Result<String, Failure> {
    let control = Control { power, person, results: Arc::default() };
    let mut addresses = Vec::new();
    for port in ports {
        let trouble = |error: std::io::Error| Failure::io(format!("the port {port} cannot be used"), &error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).await.map_err(trouble)?;
        addresses.push(format!("http://{}", listener.local_addr().map_err(trouble)?));
        let router = router(control.clone());
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the HTTP control ended");
            }
        });
    }
    Ok(addresses.join(" "))
}

fn router(control: Control) -> Router {
    Router::new()
        .route("/", get(state))
        .route("/user", post(user))
        // python-fido2's controller of a USB switch with a solenoid on each port, which only knows GET.
        .route("/{port}/touch/{state}", get(touch))
        .route("/{port}/power/{state}", get(power))
        // The FIDO Alliance's conformance tools, "Enable test automation".
        .route("/conformance/userpresence", post(user_presence))
        .route("/conformance/powercycle", post(power_cycle))
        .route("/conformance/results", post(keep_results).get(results))
        .with_state(control)
}

async fn state(State(control): State<Control>) -> Json<Value> {
    let plugged = control.power.is_on().await;
    let mood = control.person.mood();
    Json(json!({
        "plugged": plugged,
        "up": mood.up,
        "uv": mood.uv,
        "touching": mood.touching,
        "touches": mood.touches,
        "asked": mood.asked,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    up: Option<Presence>,
    uv: Option<Verification>,
    pin: Option<String>,
}

async fn user(State(control): State<Control>, Query(wish): Query<Wish>) -> StatusCode {
    control.person.be(wish.up, wish.uv, wish.pin.as_deref());
    StatusCode::NO_CONTENT
}

async fn touch(State(control): State<Control>, Path((port, state)): Path<(String, String)>) -> StatusCode {
    match switch(&port, &state) {
        Some(on) => {
            control.person.touch(on);
            StatusCode::OK
        }
        None => StatusCode::NOT_FOUND,
    }
}

async fn power(State(control): State<Control>, Path((port, state)): Path<(String, String)>) -> Response {
    match switch(&port, &state) {
        Some(true) => done(control.power.on().await),
        Some(false) => {
            control.power.off().await;
            StatusCode::OK.into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `usb` and a number, then on or off. There is one device, whatever the number.
fn switch(port: &str, state: &str) -> Option<bool> {
    port.strip_prefix("usb")?.parse::<u16>().ok()?;
    match state {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

async fn user_presence(State(control): State<Control>) -> StatusCode {
    control.person.touch_once();
    StatusCode::OK
}

async fn power_cycle(State(control): State<Control>) -> Response {
    done(control.power.cycle().await)
}

async fn keep_results(State(control): State<Control>, body: Bytes) -> Response {
    let Ok(results) = serde_json::from_slice::<Value>(&body) else {
        return (StatusCode::BAD_REQUEST, "results are JSON\n").into_response();
    };
    tracing::info!(%results, "a suite's results");
    *control.results.lock().unwrap_or_else(PoisonError::into_inner) = results;
    StatusCode::OK.into_response()
}

async fn results(State(control): State<Control>) -> Json<Value> {
    Json(control.results.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

fn done(outcome: Result<(), Failure>) -> Response {
    match outcome {
        Ok(()) => StatusCode::OK.into_response(),
        Err(failure) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{failure}\n")).into_response(),
    }
}
