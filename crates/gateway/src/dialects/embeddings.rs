//! `POST /v1/embeddings`, and Ollama's two: what a model makes of texts. Each input is an order of its own, of which only what
//! was read is paid.

use api::{
    completions::Prompts,
    embeddings::{
        EmbedRequest, Embedded, Embedding, EmbeddingRequest, Embeddings, OlderEmbedRequest, OlderEmbedded, Vector,
    },
    openai::{ChatRequest, Prompt},
};
use axum::{
    Json,
    extract::{Request, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use futures::{StreamExt as _, TryStreamExt as _};
use std::{sync::Arc, time::Instant};

use super::answer::{begin, counted, read_paid, total, usage, with_cost};
use crate::{ask, error::Problem, gateway::Buyer, money::KeyId, read::Done};

/// As many inputs as OpenAI's API takes.
const INPUTS_MAX: usize = 2_048;
/// So many of them are asked at once.
const AT_ONCE: usize = 4;

pub async fn embeddings(State(buyer): State<Arc<Buyer>>, request: Request) -> Response {
    let answer = async {
        let (key, request) = read_paid::<EmbeddingRequest>(&buyer, request).await?;
        let base64 = match request.encoding_format.as_deref() {
            None | Some("float") => false,
            Some("base64") => true,
            Some(_) => return Err(Problem::field("encoding_format", "it is float or base64")),
        };
        no_dimensions(request.dimensions)?;
        let like = ChatRequest { model: request.model, provider: request.provider, ..ChatRequest::default() };
        let read = read(&buyer, key, &like, request.input).await?;
        let vectors = read
            .texts
            .into_iter()
            .map(|text| Ok(if base64 { Vector::Base64(text) } else { Vector::Floats(numbers(&text)?) }));
        let each = vectors.enumerate().map(|(index, vector): (usize, Result<_, Problem>)| {
            Ok(Embedding { object: "embedding", index, embedding: vector? })
        });
        let data = each.collect::<Result<Vec<_>, Problem>>()?;
        let headers = with_cost(read.headers, read.dones.iter().map(total).sum());
        let (model, provider, usage) = (read.model, read.provider, usage(read.dones));
        Ok((headers, Json(Embeddings { object: "list", data, model, provider, usage })).into_response())
    };
    counted(&buyer, answer).await
}

pub async fn ollamas(State(buyer): State<Arc<Buyer>>, request: Request) -> Response {
    let (asked, answer) = (Instant::now(), async {
        let (key, request) = read_paid::<EmbedRequest>(&buyer, request).await?;
        no_dimensions(request.dimensions)?;
        let like = ChatRequest { model: request.model, ..ChatRequest::default() };
        read(&buyer, key, &like, request.input).await
    });
    let answer = async {
        let read = answer.await?;
        let embeddings = read.texts.iter().map(|text| numbers(text)).collect::<Result<_, _>>()?;
        let headers = with_cost(read.headers, read.dones.iter().map(total).sum());
        let usage = usage(read.dones);
        let body = Embedded {
            model: read.model,
            embeddings,
            total_duration: u64::try_from(asked.elapsed().as_nanos()).unwrap_or(u64::MAX),
            load_duration: 0,
            prompt_eval_count: usage.prompt_tokens,
            usage,
        };
        Ok((headers, Json(body)).into_response())
    };
    counted(&buyer, answer).await
}

/// Ollama's older form, for one text.
pub async fn ollamas_older(State(buyer): State<Arc<Buyer>>, request: Request) -> Response {
    let answer = async {
        let (key, request) = read_paid::<OlderEmbedRequest>(&buyer, request).await?;
        let like = ChatRequest { model: request.model, ..ChatRequest::default() };
        let read = read(&buyer, key, &like, Prompts::One(Prompt::Text(request.prompt))).await?;
        let headers = with_cost(read.headers, read.dones.iter().map(total).sum());
        let embedding = read.texts.first().map_or_else(|| Ok(Vec::new()), |text| numbers(text))?;
        Ok((headers, Json(OlderEmbedded { embedding, usage: usage(read.dones) })).into_response())
    };
    counted(&buyer, answer).await
}

fn no_dimensions(dimensions: Option<u32>) -> Result<(), Problem> {
    match dimensions {
        None => Ok(()),
        Some(_) => {
            let message = "an embedding is cut short only where a model was trained for it, and no model here says so; leave \
                           dimensions out";
            Err(Problem::field("dimensions", message))
        }
    }
}

/// What was read.
struct Read {
    model: String,
    provider: String,
    headers: HeaderMap,
    /// Base64 of the numbers of each input.
    texts: Vec<String>,
    dones: Vec<Done>,
}

/// Has each input read, with the model and the routing of a request.
async fn read(buyer: &Arc<Buyer>, key: KeyId, like: &ChatRequest, input: Prompts) -> Result<Read, Problem> {
    let inputs = match input {
        Prompts::One(input) => vec![input],
        Prompts::Many(inputs) => inputs,
    };
    if inputs.is_empty() || inputs.len() > INPUTS_MAX {
        return Err(Problem::field("input", format!("from 1 to {INPUTS_MAX} texts, or lists of tokens")));
    }
    let one = |input| ChatRequest { prompt: Some(input), embed: true, max_tokens: Some(0), ..like.clone() };
    let requests: Vec<_> = inputs.into_iter().map(one).collect();
    if requests.len() > 1 {
        // So that a request which costs too much ends before anything of it is ordered.
        ask::afford(buyer, key, &requests).await?;
    }
    let each = futures::stream::iter(requests).map(|request| async {
        let answer = begin(buyer, key, request).await.map_err(|problem| problem.renamed(&[("prompt", "input")]))?;
        let head = (answer.model.clone(), answer.provider.clone(), answer.headers());
        Ok::<_, Problem>((head, answer.whole().await?))
    });
    let answers: Vec<_> = each.buffered(AT_ONCE).try_collect().await?;
    let (model, provider, headers) = answers.first().map(|(head, _)| head.clone()).ok_or_else(Problem::internal)?;
    let (texts, dones) = answers.into_iter().map(|(_, whole)| (whole.text, whole.done)).unzip();
    Ok(Read { model, provider, headers, texts, dones })
}

/// The numbers of an embedding.
fn numbers(text: &str) -> Result<Vec<f32>, Problem> {
    let bytes = BASE64.decode(text).ok().filter(|bytes| !bytes.is_empty() && bytes.len().is_multiple_of(4));
    let bytes = bytes.ok_or_else(|| Problem::upstream("the provider answered with something that is no embedding"))?;
    let number = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().expect("chunks of four bytes"));
    Ok(bytes.chunks_exact(4).map(number).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_embedding_is_base64_of_its_numbers() {
        assert_eq!(numbers("AACAPwAAAMA=").unwrap(), [1.0, -2.0]);
        assert!(["", "AACA", "hello"].into_iter().all(|text| numbers(text).is_err()));
    }
}
