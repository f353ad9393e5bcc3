//! What is wrong, said in Korean to whoever reads that best (`Accept-Language`). Programs that say nothing of it get English.

use axum::{
    body::{HttpBody as _, to_bytes},
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use gateway::page;
use serde_json::Value;

use crate::language::said;

/// Where the Hub's errors stand, too.
const MESSAGE: HeaderName = HeaderName::from_static("x-error-message");
/// No error is longer.
const LENGTH_MAX: u64 = 1 << 20;
/// Answers that tell what is wrong though they went well: notes on files, and offers that failed.
const TELLING: &[&str] = &["/artifacts/preview", "/offers"];

/// Puts the sentences that `language::said` knows into Korean.
pub async fn for_readers(request: Request, next: Next) -> Response {
    let (korean, tells) = (page::reads_korean(request.headers()), TELLING.contains(&request.uri().path()));
    let mut answer = next.run(request).await;
    if !tells && !answer.status().is_client_error() && !answer.status().is_server_error() {
        return answer;
    }
    answer.headers_mut().append(header::VARY, HeaderValue::from_static("accept-language"));
    let json = answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == b"application/json");
    let short = answer.body().size_hint().exact().is_some_and(|length| length <= LENGTH_MAX);
    if !korean {
        return answer;
    }
    if let Some(told) = answer.headers_mut().get_mut(MESSAGE) {
        let mut text = String::from_utf8_lossy(told.as_bytes()).into_owned();
        say(&mut text);
        *told = HeaderValue::from_bytes(text.as_bytes()).unwrap_or_else(|_| told.clone());
    }
    if json && short { translated(answer).await } else { answer }
}

async fn translated(answer: Response) -> Response {
    let (mut head, body) = answer.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else { return StatusCode::BAD_GATEWAY.into_response() };
    let Ok(mut value) = serde_json::from_slice::<Value>(&bytes) else {
        return Response::from_parts(head, bytes.into());
    };
    translate(&mut value);
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, value.to_string().into())
}

/// Sentences stand under `message`, in Ollama's and the Hub's errors under `error`, and in `notes`, at any depth.
fn translate(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(translate),
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("message" | "error", Value::String(text)) => say(text),
                    ("notes", Value::Array(notes)) => notes.iter_mut().for_each(|note| match note {
                        Value::String(text) => say(text),
                        other => translate(other),
                    }),
                    (_, other) => translate(other),
                }
            }
        }
        _ => {}
    }
}

/// Before a sentence the field may stand that is at fault, where a dialect has no place of its own for it.
fn say(text: &mut String) {
    let field = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    if let Some(korean) = said::in_korean(text) {
        *text = korean;
    } else if let Some((name, sentence)) = text.split_once(": ").filter(|(name, _)| field(name)) {
        *text = format!("{name}: {}", said::or_english(sentence.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Json, Router, middleware::from_fn, routing::get};
    use serde_json::json;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn ask(address: std::net::SocketAddr, path: &str, language: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: x\r\naccept-language: {language}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn errors_and_notes_are_said_in_the_readers_language() {
        let wrong = json!({ "error": { "message": "there is no file in it", "code": "invalid_value" } });
        let offers =
            json!({ "data": [{ "notes": ["data"], "message": "it was taken back before it could be offered" }] });
        let router = Router::new()
            .route("/wrong", get(async || (StatusCode::BAD_REQUEST, Json(wrong))))
            .route("/offers", get(async || Json(offers)))
            .route(
                "/api/chat",
                get(async || (StatusCode::BAD_REQUEST, Json(json!({ "error": "data: there is no file in it" })))),
            )
            .route("/hub", get(async || (StatusCode::NOT_FOUND, [("x-error-message", "there is no file in it")])))
            .route("/well", get(async || Json(json!({ "message": "there is no file in it" }))))
            .layer(from_fn(for_readers));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        for (path, language, said) in [
            ("/wrong", "ko-KR,ko;q=0.9,en;q=0.8", "\"message\":\"파일이 없습니다\",\"code\":\"invalid_value\""),
            ("/wrong", "en", "there is no file in it"),
            ("/api/chat", "ko", "{\"error\":\"data: 파일이 없습니다\"}"),
            ("/api/chat", "en", "{\"error\":\"data: there is no file in it\"}"),
            ("/hub", "ko", "x-error-message: 파일이 없습니다"),
            ("/offers", "ko", "\"notes\":[\"데이터\"],\"message\":\"제공하기 전에 거두었습니다\""),
            ("/offers", "*", "it was taken back before it could be offered"),
            ("/well", "ko", "there is no file in it"),
        ] {
            let answer = ask(address, path, language).await;
            assert!(answer.contains(said), "{path} {language}: {answer}");
        }
    }
}
