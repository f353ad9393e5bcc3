//! What OpenAI's API has and this one does not, or not yet. A client that comes for it is told so, and what to do, rather
//! than that its address is wrong.

use axum::{Router, http::StatusCode, routing::any};
use std::sync::Arc;

use crate::{error::Problem, gateway::Buyer};

/// First parts of paths, and what to do without.
const NOT_OFFERED: &[(&str, &str)] = &[
    ("files", "files are not kept for training here yet; a dataset is published with: pumasi publish"),
    ("fine_tuning", "models are not tuned here yet; one that was tuned elsewhere is published with: pumasi publish"),
    ("uploads", "files are not kept for training here yet; a dataset is published with: pumasi publish"),
    ("batches", "requests are not collected here; send each by itself"),
    ("evals", "models are not judged here yet; an evaluation is published with: pumasi publish"),
    ("moderations", "nothing is judged here before it is answered"),
    ("images", "the models here write text only"),
    ("audio", "the models here write text only"),
    ("assistants", "conversations are not kept here; send the messages with each request"),
    ("threads", "conversations are not kept here; send the messages with each request"),
    ("conversations", "conversations are not kept here; send the whole conversation in input"),
    ("vector_stores", "files are not kept for search here"),
];

/// The same of paths below one that is there.
const OF_RESPONSES: &[(&str, &str)] = &[
    ("/responses/compact", "nothing of a conversation is left out here; shorten it yourself"),
    ("/responses/{id}/cancel", "no answer comes later here; close the connection of one to end it"),
    ("/responses/{id}/input_items", "what was asked is kept to go on from, and not told again"),
];

/// Every method of every path below those parts.
pub fn router() -> Router<Arc<Buyer>> {
    // 404 and not 501, which clients would try again.
    let refuse = |instead: &'static str| {
        any(move || async move { Problem::refused(StatusCode::NOT_FOUND, "not_offered", instead) })
    };
    let mut routes = Router::new();
    for (part, instead) in NOT_OFFERED {
        routes =
            routes.route(&format!("/{part}"), refuse(instead)).route(&format!("/{part}/{{*rest}}"), refuse(instead));
    }
    for (path, instead) in OF_RESPONSES {
        routes = routes.route(path, refuse(instead));
    }
    routes
}
