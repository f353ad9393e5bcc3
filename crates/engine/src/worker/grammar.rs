//! What answers are held to: a schema or calls of tools, compiled to a grammar that says before each token which may follow.
//!
//! Schemas are a stranger's. llguidance bounds its work by fuel and not by time, so its limits below are what a hostile one can
//! cost; it is compiled on a stack of its own, and what it panics over is a refusal.

use llama_cpp_2::{model::LlamaModel, token::LlamaToken};
use llguidance::{Matcher, ParserFactory, api::TopLevelGrammar};
use serde_json::{Map, Value, json};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};
use toktrie::{ApproximateTokEnv, InferenceCapabilities, TokEnv, TokRxInfo, TokTrie};

use crate::{Hold, Instead, Tool};

/// Bytes of all schemas of a request together.
const SCHEMA_BYTES_MAX: usize = 64 << 10;
/// Schemas refer to schemas; each level takes some stack.
const STACK_BYTES: usize = 64 << 20;
/// Of lexer work at the beginning, and for one token: 20 and 10 ms by llguidance's figures.
const FUEL_FIRST: u64 = 1_000_000;
const FUEL_STEP: u64 = 150_000;
/// States take one or two kilobytes each.
const STATES_MAX: usize = 30_000;
/// Symbols of a grammar.
const SYMBOLS_MAX: usize = 200_000;
/// Between the parts of JSON: a space, or a line's end and as much as people indent. A small model would otherwise write spaces
/// for ever.
const WHITESPACE: &str = r" |\n( {0,16}|\t{0,8})";
/// Of a special token, in llguidance's form of a vocabulary: it is never text.
const SPECIAL: u8 = TokTrie::SPECIAL_TOKEN_MARKER;

/// Makes grammars for one vocabulary.
pub struct Grammars(Option<ParserFactory>);

/// What one answer is held to, as far as it was written.
pub struct Grammar(Box<Matcher>);

impl Grammars {
    /// Those of a model's vocabulary. A vocabulary that cannot be used for it holds no answer to anything.
    pub fn of(model: &LlamaModel) -> Self {
        let made = catch_unwind(AssertUnwindSafe(|| factory(&vocabulary(model)?)));
        Self(made.ok().flatten())
    }

    /// Compiles.
    pub fn compile(&self, hold: &Hold) -> Result<Grammar, String> {
        let factory = self.0.as_ref().ok_or("this model's vocabulary cannot be held to a schema")?;
        let compile = || -> Result<Grammar, String> {
            let parser = factory.create_parser(grammar(hold)?).map_err(|error| reason(&error.to_string()))?;
            Ok(Grammar(Box::new(Matcher::new(Ok(parser)))))
        };
        thread::scope(|scope| {
            let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, compile);
            let thread = thread.map_err(|error| error.to_string())?;
            thread.join().unwrap_or_else(|_| Err("it cannot be understood".into()))
        })
    }
}

impl Grammar {
    /// The logits of tokens that may follow; those of others are lowered to nothing. None if nothing more can be told: the
    /// grammar asks for more work than a token may take.
    pub fn mask(&mut self, logits: &[f32]) -> Option<Vec<f32>> {
        let mask = self.0.compute_mask_or_eos().ok()?;
        let mut logits = logits.to_vec();
        mask.iter_unset_entries(|token| {
            if let Some(logit) = logits.get_mut(token) {
                *logit = f32::NEG_INFINITY;
            }
        });
        logits.iter().any(|logit| logit.is_finite()).then_some(logits)
    }

    /// Takes the token that was drawn. True if nothing may follow.
    pub fn take(&mut self, token: i32) -> bool {
        self.0.consume_token(token.cast_unsigned()).is_err() || self.0.is_stopped()
    }
}

/// What llguidance says, without its own name for the place and within bounds.
fn reason(error: &str) -> String {
    error.lines().next().unwrap_or_default().chars().take(300).collect()
}

fn factory(vocabulary: &TokEnv) -> Option<ParserFactory> {
    let capabilities = InferenceCapabilities::default();
    let mut factory = ParserFactory::new(vocabulary, capabilities, &[]).ok()?;
    factory.quiet();
    let limits = factory.limits_mut();
    limits.initial_lexer_fuel = FUEL_FIRST;
    limits.step_lexer_fuel = FUEL_STEP;
    limits.max_lexer_states = STATES_MAX;
    limits.max_grammar_size = SYMBOLS_MAX;
    limits.verbose_errors = false;
    Some(factory)
}

/// The vocabulary as llguidance wants it. None if it has no token that ends an answer.
fn vocabulary(model: &LlamaModel) -> Option<TokEnv> {
    let vocabulary = model.vocab();
    let tokens = 0..model.n_vocab();
    let ends: Vec<u32> =
        tokens.clone().filter(|token| vocabulary.is_eog(LlamaToken(*token))).map(i32::cast_unsigned).collect();
    let word = |token: i32| {
        let word = vocabulary.token_to_piece(LlamaToken(token), false, None);
        if !word.is_empty() {
            return word;
        }
        let special = vocabulary.token_to_piece(LlamaToken(token), true, None);
        if special.is_empty() { special } else { [vec![SPECIAL], special].concat() }
    };
    let words: Vec<_> = tokens.map(word).collect();
    let info = TokRxInfo::new(model.n_vocab().cast_unsigned(), *ends.first()?);
    Some(Arc::new(ApproximateTokEnv::new(TokTrie::from(&info, &words).with_eos_tokens(&ends))))
}

fn grammar(hold: &Hold) -> Result<TopLevelGrammar, String> {
    if hold.bytes() > SCHEMA_BYTES_MAX {
        return Err(format!("a request's schemas have at most {SCHEMA_BYTES_MAX} bytes together"));
    }
    match hold {
        Hold::Schema(text) => Ok(TopLevelGrammar::from_json_schema(schema(text, true)?)),
        Hold::Calls { tools, instead, many } => Ok(TopLevelGrammar::from_lark(calls(tools, instead, *many)?)),
    }
}

/// A schema with our settings in place of its own.
fn schema(text: &str, strict: bool) -> Result<Value, String> {
    let schema = serde_json::from_str(text).map_err(|error| format!("the schema is no JSON: {error}"))?;
    let mut schema = match schema {
        Value::Object(schema) => schema,
        Value::Bool(true) => Map::new(),
        _ => return Err("a schema is a JSON object".into()),
    };
    schema.insert("x-guidance".into(), json!({ "whitespace_pattern": WHITESPACE, "lenient": !strict }));
    Ok(Value::Object(schema))
}

/// Calls as Qwen's and Hermes' models write them, in llguidance's form of Lark.
fn calls(tools: &[Tool], instead: &Instead, many: bool) -> Result<String, String> {
    let mut lark = String::new();
    let mut names = Vec::new();
    for (at, tool) in tools.iter().enumerate() {
        let arguments = schema(&tool.parameters, tool.strict)?;
        let call = json!({
            "type": "object",
            "properties": { "name": { "const": tool.name }, "arguments": arguments },
            "required": ["name", "arguments"],
            "additionalProperties": false,
            "x-guidance": arguments["x-guidance"],
        });
        lark += &format!("tool_{at}: %json {call}\n");
        names.push(format!("tool_{at}"));
    }
    if names.is_empty() {
        return Err("there is no tool to call".into());
    }
    lark += &format!("body: \"\\n\" ({}) \"\\n</tool_call>\"\n", names.join(" | "));
    lark += "call: \"<tool_call>\" body\n";
    lark += if many { "calls: call (\"\\n\" call)*\n" } else { "calls: call\n" };
    lark += &match instead {
        Instead::Nothing => "start: calls\n".into(),
        Instead::Schema(text) => format!("start: calls | %json {}\n", schema(text, true)?),
        Instead::Text => {
            let more = if many { "(\"\\n\" call)*" } else { "" };
            // Text ends lazily where the first call begins, so that from there on nothing else may be written.
            format!("start: TEXT | before body {more}\nbefore[suffix=\"<tool_call>\"]: /(.|\\n)*/\nTEXT: /(.|\\n)*/\n")
        }
    };
    Ok(lark)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How much of a text goes on to what an answer is held to, and whether it may end there.
    fn held(hold: &Hold, text: &str) -> (String, bool) {
        // Its tokens are the bytes.
        let grammars = Grammars(factory(&ApproximateTokEnv::single_byte_env()));
        let mut grammar = grammars.compile(hold).unwrap();
        let mut whole = false;
        for (at, byte) in text.bytes().enumerate() {
            let logits = grammar.mask(&[0.0; 262]).unwrap();
            if whole || !logits[usize::from(byte)].is_finite() {
                return (text[..at].to_owned(), false);
            }
            whole = grammar.take(byte.into());
        }
        (text.to_owned(), whole || grammar.0.is_accepting().unwrap())
    }

    fn tools(instead: Instead, many: bool) -> Hold {
        let parameters = json!({ "type": "object", "properties": { "at": { "type": "integer" } }, "required": ["at"],
            "additionalProperties": false });
        let tool = |name: &str| Tool { name: name.into(), parameters: parameters.to_string(), strict: true };
        Hold::Calls { tools: vec![tool("look"), tool("wait")], instead, many }
    }

    const LOOK: &str = "<tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": 1}}\n</tool_call>";
    const WAIT: &str = "<tool_call>\n{\"name\":\"wait\",\"arguments\":{\"at\":-7}}\n</tool_call>";

    #[test]
    fn a_call_or_text_or_text_and_then_a_call() {
        let both = format!("{LOOK}\n{WAIT}");
        let after_words = format!("Let me see: a <b>.\n{LOOK}");
        for (instead, many, text, whole) in [
            (Instead::Nothing, false, LOOK, true),
            (Instead::Nothing, true, &both, true),
            (Instead::Text, false, "I do not know, <b>.", true),
            (Instead::Text, false, LOOK, true),
            (Instead::Text, false, &after_words, true),
            (Instead::Text, true, &both, true),
            (Instead::Text, false, "Let me see.\n<tool_call>\n{\"name\": \"look\"", false),
            (Instead::Schema(r#"{"enum": ["glad"]}"#.into()), false, LOOK, true),
            (Instead::Schema(r#"{"enum": ["glad"]}"#.into()), false, "\"glad\"", true),
        ] {
            assert_eq!(held(&tools(instead.clone(), many), text), (text.to_owned(), whole), "{instead:?} {many}");
        }
    }

    #[test]
    fn what_is_no_call_of_a_tool_ends_where_it_leaves_it() {
        let unknown = "<tool_call>\n{\"name\": \"run\"}";
        let both = format!("{LOOK}\n{WAIT}");
        for (instead, many, text, good) in [
            (Instead::Nothing, true, "Hello", ""),
            (Instead::Nothing, true, unknown, "<tool_call>\n{\"name\": \""),
            (Instead::Text, true, unknown, "<tool_call>\n{\"name\": \""),
            (Instead::Text, false, both.as_str(), LOOK),
            (Instead::Schema(r#"{"enum": ["glad"]}"#.into()), true, "\"sad\"", "\""),
        ] {
            assert_eq!(held(&tools(instead.clone(), many), text), (good.to_owned(), false), "{instead:?} {many}");
        }
    }

    #[test]
    fn an_own_setting_of_the_schemas_changes_nothing() {
        let lenient = Hold::Schema(r#"{"uniqueItems": true, "type": "array", "x-guidance": {"lenient": true}}"#.into());
        let grammars = Grammars(factory(&ApproximateTokEnv::single_byte_env()));
        assert!(grammars.compile(&lenient).is_err_and(|reason| reason.contains("uniqueItems")));
        let spaces = Hold::Schema(r#"{"const": [1], "x-guidance": {"whitespace_pattern": " +"}}"#.into());
        assert_eq!(held(&spaces, "[ 1]").0, "[ 1]");
        assert_eq!(held(&spaces, "[  1]").0, "[ ");
    }
}
