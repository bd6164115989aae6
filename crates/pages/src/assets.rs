//! The files that pages use, ours all of them: one stylesheet and one icon, revalidated by their digest.

use std::sync::LazyLock;

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use engine::Engine;
use protocol::digest::sha256_hex;

const STYLESHEET: &str = include_str!("../assets/gerbang.css");
const ICON: &str = include_str!("../assets/gerbang.svg");

static STYLESHEET_TAG: LazyLock<String> = LazyLock::new(|| tag(STYLESHEET));
static ICON_TAG: LazyLock<String> = LazyLock::new(|| tag(ICON));

pub fn routes() -> Router<Engine> {
    Router::new()
        .route(
            "/assets/gerbang.css",
            get(async |headers: HeaderMap| serve(&headers, "text/css; charset=utf-8", STYLESHEET, &STYLESHEET_TAG)),
        )
        .route("/assets/gerbang.svg", get(async |headers: HeaderMap| serve(&headers, "image/svg+xml", ICON, &ICON_TAG)))
}

fn tag(text: &str) -> String {
    format!("\"{}\"", &sha256_hex(text.as_bytes())[..16])
}

fn serve(headers: &HeaderMap, media_type: &'static str, text: &'static str, tag: &str) -> Response {
    let kept = headers.get(header::IF_NONE_MATCH).is_some_and(|sent| sent.as_bytes() == tag.as_bytes());
    let about = [
        (header::CONTENT_TYPE, media_type),
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    if kept { (StatusCode::NOT_MODIFIED, about).into_response() } else { (about, text).into_response() }
}
