//! Chat templates: programs from strangers, run with a limited amount of fuel and without a loader.

use llama_cpp_2::{model::LlamaModel, token::LlamaToken};
use minijinja::{
    Environment, ErrorKind, State, context, filters,
    syntax::SyntaxConfig,
    value::{Kwargs, Serde, Value},
};
use serde_json::Value as Json;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::form::Calling;

/// Enough for a conversation of ten thousand messages, and soon used up by a loop that does not end.
const FUEL: u64 = 10_000_000;

/// The model's chat template, or none: then the contents of the messages are joined by line breaks, which is what a plain
/// base model can use.
pub struct Template {
    environment: Option<Environment<'static>>,
    calling: Option<Calling>,
    bos: String,
    eos: String,
}

impl Template {
    pub fn of(model: &LlamaModel) -> Self {
        let vocabulary = model.vocab();
        let text = |token: LlamaToken| match token.0 {
            0.. => String::from_utf8_lossy(&vocabulary.token_to_piece(token, true, None)).into_owned(),
            _ => String::new(),
        };
        let source = model.meta_val_str("tokenizer.chat_template").ok();
        let environment =
            source.and_then(|source| environment(source).inspect_err(|e| eprintln!("chat template: {e}")).ok());
        Self { environment, calling: Calling::of(model), bos: text(vocabulary.bos()), eos: text(vocabulary.eos()) }
    }

    pub const fn is_some(&self) -> bool {
        self.environment.is_some()
    }

    /// How the model writes calls, if it is told of tools in a form that is known here.
    pub const fn calling(&self) -> Option<Calling> {
        self.calling
    }

    /// The text that begins an answer to these messages, and whether it begins with the token that begins texts.
    pub fn render(&self, messages: &Json, tools: &Json) -> Result<(String, bool), String> {
        let short_ids = self.calling.is_some_and(|calling| calling.form.has_short_ids());
        let messages = flatten(messages, short_ids)?;
        let Some(environment) = &self.environment else {
            let contents = messages.iter().filter_map(|message| message["content"].as_str());
            return Ok((contents.collect::<Vec<_>>().join("\n"), false));
        };
        let tools = if tools.is_null() { Value::from(()) } else { Value::from(Serde(tools)) };
        let values = context! {
            messages => Value::from(Serde(&messages)),
            tools,
            add_generation_prompt => true,
            bos_token => self.bos.clone(),
            eos_token => self.eos.clone(),
        };
        let template = environment.get_template("chat").map_err(|error| error.to_string())?;
        let text = template
            .render(values)
            .map_err(|error| format!("the model's chat template refuses this conversation: {error}"))?;
        let begun = !self.bos.is_empty() && text.starts_with(&self.bos);
        Ok((text, begun))
    }
}

fn environment(source: String) -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    // As the Python library that templates are written for renders them.
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function("raise_exception", |message: String| -> Result<Value, minijinja::Error> {
        Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
    });
    environment.add_filter("int", int);
    environment.add_filter("float", float);
    // Templates print dates that would make answers depend on the day; they get a day that stays.
    environment.add_function("strftime_now", |_format: String| "2026-01-01".to_owned());
    environment.add_template_owned("chat", source)?;
    Ok(environment)
}

fn int(
    state: &State<'_, '_>,
    value: &Value,
    default: Option<Value>,
    base: Option<u32>,
    named: Kwargs,
) -> Result<Value, minijinja::Error> {
    filters::int(state, value, Some(or_else(default, &named, 0)?), base, named)
}

fn float(
    state: &State<'_, '_>,
    value: &Value,
    default: Option<Value>,
    named: Kwargs,
) -> Result<Value, minijinja::Error> {
    filters::float(state, value, Some(or_else(default, &named, 0.0)?), named)
}

/// What stands for text that is no number: the template's word, or else a zero, as with that library.
fn or_else(default: Option<Value>, named: &Kwargs, zero: impl Into<Value>) -> Result<Value, minijinja::Error> {
    let named: Option<Value> = named.get("default")?;
    Ok(default.or(named).unwrap_or_else(|| zero.into()))
}

/// Messages whose contents are plain text: text parts are joined.
fn flatten(messages: &Json, short_ids: bool) -> Result<Vec<Json>, String> {
    let messages =
        messages.as_array().filter(|messages| !messages.is_empty()).ok_or("a conversation needs a message")?;
    messages.iter().map(|message| flatten_one(message, short_ids)).collect()
}

fn flatten_one(message: &Json, short_ids: bool) -> Result<Json, String> {
    let mut message = message.clone();
    if let Some(parts) = message["content"].as_array() {
        let texts: Option<Vec<&str>> = parts.iter().map(|part| part["text"].as_str()).collect();
        let text = texts.ok_or("this model reads text only")?.concat();
        message["content"] = Json::String(text);
    }
    for call in message.get_mut("tool_calls").and_then(Json::as_array_mut).into_iter().flatten() {
        // Templates print arguments as JSON, and OpenAI's API has them as text.
        if let Some(arguments) = call["function"]["arguments"].as_str()
            && let Ok(read @ Json::Object(_)) = serde_json::from_str(arguments)
        {
            call["function"]["arguments"] = read;
        }
        if short_ids {
            shorten(&mut call["id"]);
        }
    }
    if let Some(id) = message.get_mut("tool_call_id").filter(|_| short_ids) {
        shorten(id);
    }
    Ok(message)
}

/// Mistral's templates refuse ids of calls that have not nine letters or digits.
fn shorten(id: &mut Json) {
    let text = id.as_str().unwrap_or_default();
    if text.len() == 9 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return;
    }
    let mut hash = DefaultHasher::new();
    text.hash(&mut hash);
    *id = format!("{:016x}", hash.finish())[..9].into();
}

#[cfg(test)]
mod tests {
    use super::super::form::Form;
    use super::*;
    use serde_json::json;

    const CHATML: &str = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
                          {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    fn template(source: &str) -> Template {
        Template {
            environment: Some(environment(source.into()).unwrap()),
            calling: None,
            bos: "<s>".into(),
            eos: "</s>".into(),
        }
    }

    #[test]
    fn chatml_and_parts() {
        let messages =
            json!([{"role": "user", "content": [{"type": "text", "text": "안"}, {"type": "text", "text": "녕"}]}]);
        let (text, begun) = template(CHATML).render(&messages, &Json::Null).unwrap();
        assert_eq!((text.as_str(), begun), ("<|im_start|>user\n안녕<|im_end|>\n<|im_start|>assistant\n", false));
    }

    #[test]
    fn python_methods_and_tokens() {
        let source = "{{ bos_token }}{{ messages[0]['content'].strip() | upper }}";
        let (text, begun) =
            template(source).render(&json!([{"role": "user", "content": " hi "}]), &Json::Null).unwrap();
        assert_eq!((text.as_str(), begun), ("<s>HI", true));
    }

    #[test]
    fn calls_that_were_made_are_printed_as_json() {
        let source = "{% for c in messages[0].tool_calls %}{{ c.function.arguments | tojson }}{% endfor %}";
        let call = |arguments: &str| {
            json!([{"role": "assistant", "content": null,
            "tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}])
        };
        let render = |arguments| template(source).render(&call(arguments), &Json::Null).unwrap().0;
        assert_eq!(render("{\"b\": 1, \"a\": [2]}"), "{\"b\": 1, \"a\": [2]}");
        assert_eq!(render("no JSON"), "\"no JSON\"", "what a model wrote wrongly stays what it wrote");
    }

    #[test]
    fn text_that_is_no_number_is_zero_as_python_has_it() {
        let source = "{% set text = messages[0].content %}{{ text|int }} {{ text|float }} {{ text|int(3) }} \
            {{ text|float(default=0.5) }} {{ '7'|int }} {{ '1.5'|float }} {{ '1f'|int(base=16) }}";
        let text = template(source).render(&json!([{ "role": "user", "content": "seen" }]), &Json::Null).unwrap().0;
        assert_eq!(text, "0 0.0 3 0.5 7 1.5 31");
    }

    #[test]
    fn ids_of_calls_are_short_where_they_must_be_and_go_on_belonging_together() {
        let source = "{% for m in messages %}{{ m.tool_calls[0].id if m.tool_calls else m.tool_call_id }} {% endfor %}";
        let calling = Calling { form: Form::Named, ..Calling::USUAL };
        let short = Template { calling: Some(calling), ..template(source) };
        let asked = |id: &str| {
            json!([{"role": "assistant", "tool_calls": [{"id": id, "function": {"name": "f", "arguments": "{}"}}]},
                   {"role": "tool", "tool_call_id": id, "content": "1"}])
        };
        let text = short.render(&asked("call_0123456789abcdef0"), &Json::Null).unwrap().0;
        let ids: Vec<&str> = text.split_whitespace().collect();
        assert!(ids.len() == 2 && ids[0] == ids[1] && ids[0].len() == 9, "{text}");
        assert_eq!(short.render(&asked("abcDEF012"), &Json::Null).unwrap().0, "abcDEF012 abcDEF012 ");
        let other = short.render(&asked("call_0123456789abcdef1"), &Json::Null).unwrap().0;
        assert_ne!(text, other);
        assert_eq!(template(source).render(&asked("call_0"), &Json::Null).unwrap().0, "call_0 call_0 ");
    }

    #[test]
    fn a_template_can_refuse_and_cannot_run_for_ever() {
        let user = json!([{"role": "user", "content": "x"}]);
        let refused = template("{{ raise_exception('no user messages') }}").render(&user, &Json::Null).unwrap_err();
        assert!(refused.contains("no user messages"));
        let endless = "{% for a in range(99999) %}{% for b in range(99999) %}{{ b }}{% endfor %}{% endfor %}";
        assert!(template(endless).render(&user, &Json::Null).is_err());
        assert!(template("{% include 'x' %}").render(&user, &Json::Null).is_err());
    }

    #[test]
    fn without_a_template_contents_are_joined() {
        let plain = Template { environment: None, calling: None, bos: String::new(), eos: String::new() };
        let messages = json!([{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]);
        assert_eq!(plain.render(&messages, &Json::Null).unwrap(), ("a\nb".into(), false));
        assert!(plain.render(&json!([]), &Json::Null).is_err());
    }
}
