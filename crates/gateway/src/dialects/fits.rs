//! Which inner requests can be done. What cannot is refused, rather than ignored.

use api::{
    held::Held,
    openai::{ChatRequest, Content, Prompt},
};

use crate::error::Problem;

const ROLES: &[&str] = &["system", "developer", "user", "assistant", "tool", "function"];
/// As many as a provider looks for.
const STOPS_MAX: usize = 16;
const STOP_BYTES_MAX: usize = 1_000;
/// Log-probabilities come with so many alternatives.
pub const ALTERNATIVES_MAX: u8 = 20;

/// Checks a request of any dialect.
pub fn check(request: &ChatRequest) -> Result<(), Problem> {
    match &request.prompt {
        None => check_messages(request)?,
        Some(Prompt::Text(text)) if text.is_empty() => return Err(nothing()),
        Some(Prompt::Tokens(tokens)) if tokens.is_empty() => return Err(nothing()),
        Some(_) => {}
    }
    if request.output_max() == Some(0) && !request.reads_only() {
        let field = if request.max_completion_tokens.is_some() { "max_completion_tokens" } else { "max_tokens" };
        return Err(Problem::field(field, "an answer needs at least one token"));
    }
    Held::of(request).map_err(|error| Problem::field(error.field, error.message))?;
    check_sampling(request)
}

fn nothing() -> Problem {
    Problem::field("prompt", "there is nothing to continue; send at least one character, or one token")
}

fn check_messages(request: &ChatRequest) -> Result<(), Problem> {
    if request.messages.is_empty() {
        return Err(Problem::field("messages", "a conversation needs at least one message"));
    }
    for message in &request.messages {
        if !ROLES.contains(&message.role.as_str()) {
            return Err(Problem::field("messages", format!("a role is one of {}", ROLES.join(", "))));
        }
        if let Some(Content::Parts(parts)) = &message.content
            && parts.iter().any(|part| part.kind != "text")
        {
            return Err(Problem::field("messages", "the models here read text only; send parts of type text"));
        }
    }
    Ok(())
}

fn check_sampling(request: &ChatRequest) -> Result<(), Problem> {
    let ranges = [
        ("temperature", request.temperature, 0.0, 2.0),
        ("top_p", request.top_p, 0.0, 1.0),
        ("min_p", request.min_p, 0.0, 1.0),
        ("frequency_penalty", request.frequency_penalty, -2.0, 2.0),
        ("presence_penalty", request.presence_penalty, -2.0, 2.0),
    ];
    for (name, value, least, most) in ranges {
        if value.is_some_and(|value| !(least..=most).contains(&value)) {
            return Err(Problem::field(name, format!("{name} is a number from {least} to {most}")));
        }
    }
    if request.top_logprobs.is_some_and(|top| top > ALTERNATIVES_MAX) {
        return Err(Problem::field("top_logprobs", format!("at most {ALTERNATIVES_MAX} alternatives of each token")));
    }
    let stops = request.stop.as_ref().map(api::openai::Stop::texts).unwrap_or_default();
    if stops.len() > STOPS_MAX || stops.iter().any(|text| text.is_empty() || text.len() > STOP_BYTES_MAX) {
        let message = "at most sixteen texts that end the answer, none empty and none above 1,000 bytes";
        return Err(Problem::field("stop", message));
    }
    Ok(())
}
