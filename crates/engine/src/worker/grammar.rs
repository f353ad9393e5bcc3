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
    time::{Duration, Instant},
};
use toktrie::{ApproximateTokEnv, InferenceCapabilities, TokEnv, TokRxInfo, TokTrie};

use super::form::Calling;
use crate::{Fault, Hold, Instead};

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
/// Whose schema is at fault, of several, is looked for no longer than this.
const SEARCH: Duration = Duration::from_millis(200);
/// Between the parts of JSON: a space, or a line's end and as much as people indent. A small model would otherwise write spaces
/// for ever.
const WHITESPACE: &str = r" |\n( {0,16}|\t{0,8})";
/// Of a special token, in llguidance's form of a vocabulary: it is never text.
const SPECIAL: u8 = TokTrie::SPECIAL_TOKEN_MARKER;

/// Why an answer cannot be held to something.
pub struct Unheld {
    pub fault: Fault,
    pub message: String,
}

/// Makes grammars for one vocabulary, and for calls in one form.
pub struct Grammars {
    factory: Option<ParserFactory>,
    calling: Calling,
}

/// What one answer is held to, as far as it was written.
pub struct Grammar(Box<Matcher>);

impl Grammars {
    /// Those of a model's vocabulary. A vocabulary that cannot be used for it holds no answer to anything.
    pub fn of(model: &LlamaModel) -> Self {
        let made = catch_unwind(AssertUnwindSafe(|| factory(&vocabulary(model)?)));
        Self { factory: made.ok().flatten(), calling: Calling::of(model).unwrap_or(Calling::USUAL) }
    }

    /// Compiles.
    pub fn compile(&self, hold: &Hold) -> Result<Grammar, Unheld> {
        self.compiled(|| self.grammar(hold)).map_err(|message| Unheld { fault: self.fault(hold), message })
    }

    /// What is at fault: of several schemas, the first that is by itself.
    fn fault(&self, hold: &Hold) -> Fault {
        let Hold::Calls { tools, instead, .. } = hold else { return Fault::Schema };
        if hold.bytes() > SCHEMA_BYTES_MAX {
            return Fault::Tools;
        }
        let alone =
            |text: &str, strict| self.compiled(|| schema(text, strict).map(TopLevelGrammar::from_json_schema)).is_err();
        if matches!(instead, Instead::Schema(text) if alone(text, true)) {
            return Fault::Schema;
        }
        let begun = Instant::now();
        let mut looked = tools.iter().take_while(|_| begun.elapsed() < SEARCH);
        let found = looked.find(|tool| alone(&tool.parameters, tool.strict));
        found.map_or(Fault::Tools, |tool| Fault::Tool(tool.name.clone()))
    }

    fn grammar(&self, hold: &Hold) -> Result<TopLevelGrammar, String> {
        if hold.bytes() > SCHEMA_BYTES_MAX {
            return Err(format!("a request's schemas have at most {SCHEMA_BYTES_MAX} bytes together"));
        }
        match hold {
            Hold::Schema(text) => Ok(TopLevelGrammar::from_json_schema(schema(text, true)?)),
            Hold::Calls { tools, instead, many } => {
                Ok(TopLevelGrammar::from_lark(self.calling.lark(tools, instead, *many)?))
            }
        }
    }

    fn compiled(&self, grammar: impl Fn() -> Result<TopLevelGrammar, String> + Sync) -> Result<Grammar, String> {
        let factory = self.factory.as_ref().ok_or("this model's vocabulary cannot be held to a schema")?;
        let compile = || -> Result<Grammar, String> {
            let parser = factory.create_parser(grammar()?).map_err(|error| sentence(&error.to_string()))?;
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

/// What is not understood and what can be done, from what llguidance says, without its own name for the place and within bounds.
fn sentence(error: &str) -> String {
    let said: String = error.lines().next().unwrap_or_default().chars().take(300).collect();
    let after = |begin: &str| said.split_once(begin).map(|(_, rest)| rest);
    let what = if let Some(keys) = after("Unimplemented keys: ") {
        keys.trim_matches(['[', ']']).to_owned()
    } else if let Some(format) = after("Unknown format: ") {
        format!("the format {format:?}")
    } else if after("oneOf constraints").is_some() {
        "\"oneOf\" (but to \"anyOf\")".to_owned()
    } else {
        return format!("no answer can be held to this schema: {said}; change it");
    };
    format!("no answer can be held to {what}; leave it out of the schema, and check what comes for it yourself")
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

/// A schema with our settings in place of its own.
pub fn schema(text: &str, strict: bool) -> Result<Value, String> {
    let schema = serde_json::from_str(text).map_err(|error| format!("the schema is no JSON: {error}"))?;
    let mut schema = match schema {
        Value::Object(schema) => schema,
        Value::Bool(true) => Map::new(),
        _ => return Err("a schema is a JSON object".into()),
    };
    schema.insert("x-guidance".into(), json!({ "whitespace_pattern": WHITESPACE, "lenient": !strict }));
    Ok(Value::Object(schema))
}

#[cfg(test)]
mod tests {
    use super::super::form::Form;
    use super::*;
    use crate::Tool;

    /// Grammars of a vocabulary whose tokens are the bytes.
    fn grammars(calling: Calling) -> Grammars {
        Grammars { factory: factory(&ApproximateTokEnv::single_byte_env()), calling }
    }

    /// How much of a text goes on to what an answer is held to, and whether it may end there.
    fn held(hold: &Hold, text: &str) -> (String, bool) {
        held_by(&grammars(Calling::USUAL), hold, text)
    }

    fn held_by(grammars: &Grammars, hold: &Hold, text: &str) -> (String, bool) {
        let mut grammar = grammars.compile(hold).map_err(|unheld| unheld.message).unwrap();
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
    fn calls_are_drawn_in_the_models_own_form() {
        let args = |text: &str| text.replace("%", r#"{"at": 1}"#);
        let schema = Instead::Schema(r#"{"enum": ["glad"]}"#.into());
        for (form, instead, many, text, end) in [
            (Form::Bare, Instead::Nothing, true, r#"{"name": "look", "parameters": %}"#, None),
            (Form::Bare, Instead::Nothing, true, r#"{"name": "look", "arguments"#, Some(r#"{"name": "look", ""#)),
            (Form::Bare, Instead::Text, true, r#"{"name": "wait", "parameters": %}"#, None),
            (Form::Bare, Instead::Text, true, "It is {so}.", None),
            (Form::Bare, Instead::Text, true, r#"{"so": 1}"#, Some("{\"")),
            (Form::Bare, schema.clone(), true, "\"glad\"", None),
            (Form::Listed, Instead::Nothing, true, r#"[TOOL_CALLS] [{"name": "look", "arguments": %}]"#, None),
            (
                Form::Listed,
                Instead::Text,
                true,
                r#"So. [TOOL_CALLS][{"name": "look", "arguments": %}, {"name": "wait", "arguments": %}]"#,
                None,
            ),
            (
                Form::Listed,
                Instead::Nothing,
                false,
                r#"[TOOL_CALLS][{"name": "look", "arguments": %},"#,
                Some(r#"[TOOL_CALLS][{"name": "look", "arguments": %}"#),
            ),
            (Form::Listed, Instead::Text, true, "It is [so].", None),
            (Form::Listed, schema.clone(), true, "\"glad\"", None),
            (Form::Named, Instead::Nothing, true, "[TOOL_CALLS]look[ARGS]%[TOOL_CALLS]wait[ARGS]%", None),
            (Form::Named, Instead::Nothing, false, "[TOOL_CALLS]look[CALL_ID]abcDEF012[ARGS]%", None),
            (Form::Named, Instead::Nothing, true, "[TOOL_CALLS]run[ARGS]%", Some("[TOOL_CALLS]")),
            (
                Form::Named,
                Instead::Nothing,
                false,
                "[TOOL_CALLS]look[ARGS]%[TOOL_CALLS]",
                Some("[TOOL_CALLS]look[ARGS]%"),
            ),
            (Form::Named, Instead::Text, true, "So. [TOOL_CALLS]look[ARGS]%", None),
            (Form::Named, Instead::Text, true, "It is [so].", None),
            (Form::Named, schema, true, "\"glad\"", None),
        ] {
            let grammars = grammars(Calling { form, ..Calling::USUAL });
            let (text, whole) = (args(text), end.is_none());
            let end = end.map_or(text.clone(), args);
            assert_eq!(held_by(&grammars, &tools(instead.clone(), many), &text), (end, whole), "{form:?} {instead:?}");
        }
    }

    #[test]
    fn a_mark_that_is_no_text_is_drawn_as_its_token() {
        // The first tokens of this vocabulary that are none of the bytes.
        let (mark, arguments, id, hi) = (256, 257, 258, i32::from(b'h'));
        let bytes = |text: &str| text.bytes().map(i32::from).collect::<Vec<_>>();
        let listed = bytes(r#"[{"name": "look", "arguments": {"at": 1}}]"#);
        let named = [bytes("look"), vec![arguments], bytes(r#"{"at": 1}"#)].concat();
        let with_id = [bytes("look"), vec![id], bytes("abcDEF012"), vec![arguments], bytes(r#"{"at": 1}"#)].concat();
        let may = |grammar: &mut Grammar, token: i32| {
            grammar.mask(&[0.0; 262]).unwrap()[usize::try_from(token).unwrap()].is_finite()
        };
        for (form, call) in [(Form::Listed, listed), (Form::Named, named), (Form::Named, with_id)] {
            let grammars = grammars(Calling { form, marks: [Some(mark), Some(arguments), Some(id)] });
            for (instead, text) in [(Instead::Nothing, false), (Instead::Text, true)] {
                let mut grammar = grammars.compile(&tools(instead, false)).map_err(|unheld| unheld.message).unwrap();
                assert_eq!((may(&mut grammar, mark), may(&mut grammar, hi)), (true, text));
                if text {
                    grammar.take(hi);
                    assert!(may(&mut grammar, mark) && may(&mut grammar, hi), "after some text, too");
                }
                grammar.take(mark);
                for token in &call {
                    assert!(may(&mut grammar, *token), "{form:?} {token}");
                    grammar.take(*token);
                }
                assert!(!may(&mut grammar, hi) && !may(&mut grammar, mark), "nothing follows the calls");
            }
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
    fn what_cannot_be_held_to_is_named_with_whose_it_is() {
        let grammars = grammars(Calling::USUAL);
        let unheld = |parameters: Value, instead| {
            let tool = |name: &str, parameters: &Value| Tool {
                name: name.into(),
                parameters: parameters.to_string(),
                strict: true,
            };
            let tools = vec![tool("look", &json!({})), tool("wait", &parameters)];
            let Unheld { fault, message } =
                grammars.compile(&Hold::Calls { tools, instead, many: true }).err().unwrap();
            (fault, message)
        };
        for (parameters, said) in [
            (json!({ "type": "array", "uniqueItems": true, "contains": {} }), "\"contains\", \"uniqueItems\""),
            (json!({ "type": "string", "format": "color" }), "the format \"color\""),
            (json!({ "oneOf": [{ "type": "string", "minLength": 1 }, { "type": "string" }] }), "but to \"anyOf\""),
            (json!({ "type": "string", "enum": [1] }), "change it"),
        ] {
            let (fault, message) = unheld(parameters, Instead::Text);
            assert_eq!(fault, Fault::Tool("wait".into()), "{message}");
            assert!(message.contains(said), "{message}");
        }
        let (fault, _) = unheld(json!({}), Instead::Schema(r#"{"type": "string", "enum": [1]}"#.into()));
        assert_eq!(fault, Fault::Schema);
        let (fault, message) = unheld(json!({ "const": "x".repeat(SCHEMA_BYTES_MAX) }), Instead::Text);
        assert!(fault == Fault::Tools && message.contains("at most 65536 bytes"), "{message}");
    }

    #[test]
    fn an_own_setting_of_the_schemas_changes_nothing() {
        let lenient = Hold::Schema(r#"{"uniqueItems": true, "type": "array", "x-guidance": {"lenient": true}}"#.into());
        let grammars = grammars(Calling::USUAL);
        let unheld = grammars.compile(&lenient).err().unwrap();
        assert_eq!(unheld.fault, Fault::Schema);
        assert!(unheld.message.contains("to \"uniqueItems\"; leave it out"), "{}", unheld.message);
        let spaces = Hold::Schema(r#"{"const": [1], "x-guidance": {"whitespace_pattern": " +"}}"#.into());
        assert_eq!(held(&spaces, "[ 1]").0, "[ 1]");
        assert_eq!(held(&spaces, "[  1]").0, "[ ");
    }
}
