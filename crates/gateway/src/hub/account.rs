//! Who asks: the owner, who publishes, or an API key, which only spends; and which repositories can be made.

use api::{
    hub::{AccessToken, Auth, NewRepository, RepositoryUrl, Who},
    owner::{bearer, is_owner},
};
use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use std::sync::Arc;

use super::{
    repository::{Repository, Type},
    told::told,
};
use crate::{
    artifacts::{Index, check_name},
    dialects::read_body,
    error::Problem,
    gateway::Buyer,
};

/// What to say to whoever may not publish.
const OWNERS: &str =
    "publishing is the owner's: set HF_TOKEN to the text of the file owner-token in the node's data folder";

/// Checks that the owner asks. An API key is told that it is one.
pub fn writer(buyer: &Buyer, headers: &HeaderMap) -> Result<(), Problem> {
    if is_owner(headers, &buyer.config.owner_token) {
        return Ok(());
    }
    match bearer(headers).map(|secret| buyer.keys.check(secret)) {
        Some(Ok(_)) => {
            let message = format!("this is an API key, which only spends; {OWNERS}");
            Err(Problem::refused(StatusCode::FORBIDDEN, "not_publisher", message))
        }
        _ => Err(Problem::key(OWNERS)),
    }
}

/// `GET /api/whoami-v2`.
pub async fn whoami(State(buyer): State<Arc<Buyer>>, headers: HeaderMap) -> Result<Json<Who>, Problem> {
    let (display_name, role) = if is_owner(&headers, &buyer.config.owner_token) {
        ("owner-token".to_owned(), "write")
    } else {
        let secret = bearer(&headers).ok_or_else(|| Problem::key(OWNERS))?;
        let (name, _) = buyer.keys.of_id(buyer.keys.check(secret)?).unwrap_or_default();
        (name, "read")
    };
    let (index, me) = (buyer.library.fresh().await?, buyer.config.payer.id());
    let name = index.account(me);
    Ok(Json(Who {
        kind: "user".into(),
        id: me.to_string(),
        fullname: name.clone(),
        name,
        orgs: Vec::new(),
        auth: Auth { kind: "access_token".into(), access_token: AccessToken { display_name, role: role.into() } },
    }))
}

/// Checks that a repository is the owner's to publish under.
pub fn mine(buyer: &Buyer, index: &Index, repository: &Repository) -> Result<(), Problem> {
    let mine = index.account(buyer.config.payer.id());
    if repository.publisher != mine {
        let message = format!("you publish under your own name: {mine}/{}", repository.name);
        return Err(Problem::refused(StatusCode::FORBIDDEN, "not_publisher", message));
    }
    check_name(&repository.name)?;
    repository.is_free(index)
}

/// `POST /api/repos/create`: says whether something can be published there. Nothing stands before a commit does.
pub async fn create(State(buyer): State<Arc<Buyer>>, request: Request) -> Result<Response, Problem> {
    writer(&buyer, request.headers())?;
    let base = base(request.headers())?;
    let new: NewRepository = read_body(request).await?;
    let of = match new.kind.as_deref() {
        None | Some("model") => Type::Model,
        Some("dataset") => Type::Dataset,
        Some(_) => return Err(Problem::field("type", "there are models and datasets here, and nothing else")),
    };
    if new.private == Some(true) || new.visibility.as_deref().is_some_and(|who| who != "public") {
        return Err(Problem::field("visibility", "what is published here is public, for good; leave private out"));
    }
    let index = buyer.library.refresh().await?;
    let publisher = new.organization.unwrap_or_else(|| index.account(buyer.config.payer.id()));
    let repository = Repository::new(of, publisher, new.name);
    mine(&buyer, &index, &repository)?;
    let id = repository.id();
    let there = !repository.versions(&index).is_empty();
    let error = there.then(|| format!("{id} is there already; a commit makes a new version"));
    let url = RepositoryUrl { url: format!("{base}/{}{id}", of.prefix()), name: id.clone(), id, error: error.clone() };
    let Some(error) = error else { return Ok(Json(url).into_response()) };
    let (parts, _) = told(&Problem::conflict("artifact_exists", error)).into_parts();
    Ok((parts, Json(url)).into_response())
}

/// This node's address, as whoever asks wrote it. The owner's verbs are on loopback alone, and so without TLS.
pub fn base(headers: &HeaderMap) -> Result<String, Problem> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    host.map(|host| format!("http://{host}"))
        .ok_or_else(|| Problem::field("host", "the header host must name this node's address"))
}
