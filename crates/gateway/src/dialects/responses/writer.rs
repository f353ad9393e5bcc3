//! An answer as OpenAI's responses tell it: its items as they come, and all of it at the end.

use api::{
    openai::{self, TokenLogprob},
    responses::{
        At, Event as Told, Failure, Incomplete, InputDetails, Numbered, OutputCall, OutputDetails, OutputItem,
        OutputMessage, OutputPart, Response as Answered, Usage,
    },
    view::cost,
};
use axum::response::sse;
use ledger::Finish;
use serde_json::json;
use std::sync::Arc;

use super::{
    super::answer::{Whole, details, named_data, total},
    kept::{self, One},
    said,
};
use crate::{
    calls::Call,
    gateway::{Buyer, now},
    money::KeyId,
    read::{Done, Event},
};

/// Writes the events.
pub struct Writer {
    /// The answer as it began.
    head: Answered,
    /// Items that are whole.
    items: Vec<OutputItem>,
    /// The message that is being written.
    message: Option<Message>,
    /// Events so far.
    told: u64,
    /// None if the answer is not to be kept.
    keeping: Option<Keeping>,
}

/// What is kept with an answer.
pub struct Keeping {
    pub buyer: Arc<Buyer>,
    pub key: KeyId,
    /// Up to and with the question.
    pub conversation: Vec<openai::Message>,
}

/// A message as far as it came.
#[derive(Debug, Clone, Default)]
struct Message {
    text: String,
    logprobs: Vec<TokenLogprob>,
}

impl Message {
    fn part(self) -> OutputPart {
        OutputPart { kind: "output_text", text: self.text, logprobs: self.logprobs, ..OutputPart::default() }
    }
}

impl Writer {
    pub const fn new(head: Answered, keeping: Option<Keeping>) -> Self {
        Self { head, items: Vec::new(), message: None, told: 0, keeping }
    }

    /// The first events.
    pub fn begins(&mut self) -> Vec<sse::Event> {
        let response = self.head.clone();
        self.events(vec![Told::Created { response: response.clone() }, Told::InProgress { response }])
    }

    /// What an event of the answer is told as.
    pub fn told_of(&mut self, event: Event) -> Vec<sse::Event> {
        let told = match event {
            Event::Prompt { .. } => Vec::new(),
            Event::Text { text, logprobs } if text.is_empty() && logprobs.is_empty() => Vec::new(),
            Event::Text { text, logprobs } => self.says(text, logprobs),
            Event::Call(call) => self.calls(call),
            Event::Failed(problem) => {
                let failure = Failure {
                    code: problem.detail.code.unwrap_or_else(|| "server_error".into()),
                    message: problem.detail.message,
                };
                let response = Answered { status: "failed", error: Some(failure), ..self.head.clone() };
                vec![Told::Failed { response }]
            }
            Event::Done(done) => self.ends(*done),
        };
        self.events(told)
    }

    /// All of an answer at once.
    pub fn whole(mut self, whole: Whole) -> Answered {
        if !whole.text.is_empty() || whole.calls.is_empty() {
            self.says(whole.text, whole.logprobs);
        }
        for call in whole.calls {
            self.calls(call);
        }
        self.message_ends(status(&whole.done));
        self.ended(whole.done)
    }

    fn events(&mut self, told: Vec<Told>) -> Vec<sse::Event> {
        let number = |event: Told| {
            let (name, sequence_number) = (event.name(), self.told);
            self.told += 1;
            named_data(name, &Numbered { event, sequence_number })
        };
        told.into_iter().map(number).collect()
    }

    fn place(&self) -> u32 {
        u32::try_from(self.items.len()).unwrap_or(u32::MAX)
    }

    /// Of the message that is being written. The first one bears the receipt's name, and later ones their place, too.
    fn at(&self) -> At {
        let mut item_id = self.head.id.replacen("resp_", "msg_", 1);
        if !self.items.is_empty() {
            item_id += &format!("_{}", self.items.len());
        }
        At { item_id, output_index: self.place(), content_index: 0 }
    }

    fn item(&self, status: &'static str, content: Vec<OutputPart>) -> OutputItem {
        let id = self.at().item_id;
        OutputItem::Message(OutputMessage { id, kind: "message", status, role: "assistant", content })
    }

    fn says(&mut self, delta: String, logprobs: Vec<TokenLogprob>) -> Vec<Told> {
        let (at, mut told) = (self.at(), Vec::new());
        if self.message.is_none() {
            let item = self.item("in_progress", Vec::new());
            told.push(Told::ItemAdded { output_index: at.output_index, item });
            told.push(Told::PartAdded { at: at.clone(), part: Message::default().part() });
        }
        let message = self.message.get_or_insert_default();
        message.text += &delta;
        message.logprobs.extend(logprobs.iter().cloned());
        told.push(Told::TextDelta { at, delta, logprobs });
        told
    }

    fn message_ends(&mut self, status: &'static str) -> Vec<Told> {
        let Some(message) = self.message.take() else { return Vec::new() };
        let (at, part) = (self.at(), message.part());
        let item = self.item(status, vec![part.clone()]);
        self.items.push(item.clone());
        let output_index = at.output_index;
        vec![
            Told::TextDone { at: at.clone(), text: part.text.clone(), logprobs: part.logprobs.clone() },
            Told::PartDone { at, part },
            Told::ItemDone { output_index, item },
        ]
    }

    fn calls(&mut self, call: Call) -> Vec<Told> {
        let mut told = self.message_ends("completed");
        let (item_id, output_index) = (call.id.replacen("call_", "fc_", 1), self.place());
        let item = |status, arguments| {
            let (id, call_id, name) = (item_id.clone(), call.id.clone(), call.name.clone());
            OutputItem::Call(OutputCall { id, kind: "function_call", status, call_id, name, arguments })
        };
        let (begun, whole) = (item("in_progress", String::new()), item("completed", call.arguments.clone()));
        self.items.push(whole.clone());
        let Call { name, arguments, .. } = call;
        told.extend([
            Told::ItemAdded { output_index, item: begun },
            Told::ArgumentsDelta { item_id: item_id.clone(), output_index, delta: arguments.clone() },
            Told::ArgumentsDone { item_id, output_index, name, arguments },
            Told::ItemDone { output_index, item: whole },
        ]);
        told
    }

    fn ends(&mut self, done: Done) -> Vec<Told> {
        // An answer without words is a message all the same.
        let nothing = self.items.is_empty() && self.message.is_none();
        let mut told = if nothing { self.says(String::new(), Vec::new()) } else { Vec::new() };
        told.extend(self.message_ends(status(&done)));
        let response = self.ended(done);
        told.push(if response.incomplete_details.is_some() {
            Told::Incomplete { response }
        } else {
            Told::Completed { response }
        });
        told
    }

    /// The whole answer, which is kept from here on.
    fn ended(&mut self, done: Done) -> Answered {
        let (status, cut) = (status(&done), done.finish == Finish::Length);
        let answered = Answered {
            status,
            completed_at: (!cut).then(|| now() / 1_000),
            incomplete_details: cut.then_some(Incomplete { reason: "max_output_tokens" }),
            output: self.items.clone(),
            usage: Some(usage(done)),
            ..self.head.clone()
        };
        if let Some(Keeping { buyer, key, mut conversation }) = self.keeping.take() {
            conversation.push(self.spoken());
            let response = serde_json::to_value(&answered).unwrap_or_default();
            kept::keep(&buyer, One::new(key, answered.id.clone(), response, conversation));
        }
        answered
    }

    /// What was answered, as a message of the conversation.
    fn spoken(&self) -> openai::Message {
        let (mut text, mut calls) = (String::new(), Vec::new());
        for item in &self.items {
            match item {
                OutputItem::Message(message) => {
                    message.content.iter().for_each(|part| text.push_str(&part.text));
                }
                OutputItem::Call(call) => {
                    let function = json!({ "name": call.name, "arguments": call.arguments });
                    calls.push(json!({ "id": call.call_id, "type": "function", "function": function }));
                }
            }
        }
        openai::Message { tool_calls: (!calls.is_empty()).then(|| calls.into()), ..said("assistant", text) }
    }
}

fn status(done: &Done) -> &'static str {
    if done.finish == Finish::Length { "incomplete" } else { "completed" }
}

fn usage(done: Done) -> Usage {
    let (input_tokens, output_tokens) = (done.usage.input, done.usage.output);
    Usage {
        input_tokens,
        input_tokens_details: InputDetails::default(),
        output_tokens,
        output_tokens_details: OutputDetails::default(),
        total_tokens: input_tokens.saturating_add(output_tokens),
        cost: cost(total(&done)),
        cost_details: details(&done),
        bill: done.bill,
    }
}
