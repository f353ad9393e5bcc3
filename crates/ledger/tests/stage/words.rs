//! The words of a line: those by place, and those by name (`royalty=1/2`).

use ledger::{Amount, Digest, Rates, Usage};
use std::{collections::VecDeque, str::FromStr};

use super::Wrong;

/// What is left to read of a line.
pub struct Words {
    by_place: VecDeque<String>,
    by_name: Vec<(String, String)>,
    /// What the thing that comes of the operation is to be called.
    pub label: Option<String>,
}

impl Words {
    pub fn of(line: &str) -> Result<Self, Wrong> {
        let mut words = Self { by_place: VecDeque::new(), by_name: Vec::new(), label: None };
        for word in line.split_whitespace() {
            match word.split_once('=') {
                Some((name, value)) if name.bytes().all(|c| c.is_ascii_lowercase()) => {
                    words.by_name.push((name.into(), repeated(value)?));
                }
                _ => words.by_place.push_back(repeated(word)?),
            }
        }
        Ok(words)
    }

    /// The next word by place.
    pub fn next(&mut self) -> Result<String, Wrong> {
        self.by_place.pop_front().ok_or_else(|| "a word is missing".into())
    }

    pub fn amount(&mut self) -> Result<Amount, Wrong> {
        let word = self.next()?;
        match word.strip_prefix("2^") {
            Some(bits) => {
                let bits = bits.parse().map_err(|_| "an exponent is no number")?;
                Ok(Amount(1u128.checked_shl(bits).ok_or("there is no such amount")?))
            }
            None => word.parse().map_err(|error: ledger::ParseError| error.to_string()),
        }
    }

    pub fn number<T: TryFrom<u64>>(&mut self) -> Result<T, Wrong> {
        T::try_from(number(&self.next()?)?).map_err(|_| "the number is too large".into())
    }

    /// A word by name.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.by_name.iter().position(|(other, _)| other == name)?;
        Some(self.by_name.remove(at).1)
    }

    pub fn take_or(&mut self, name: &str, otherwise: &str) -> String {
        self.take(name).unwrap_or_else(|| otherwise.into())
    }

    /// Everything that is left, by place and then as it was named.
    pub fn rest(&mut self) -> String {
        let by_place = self.by_place.drain(..);
        let by_name = self.by_name.drain(..).map(|(name, value)| format!("{name}={value}"));
        // A channel is told as `deposit=… spent=… number=… open`, so names come before the last word.
        let (mut words, places): (Vec<_>, Vec<_>) = (by_name.collect(), by_place.collect());
        words.extend(places);
        words.join(" ")
    }

    pub fn end(&mut self) -> Result<(), Wrong> {
        let rest = self.rest();
        if rest.is_empty() { Ok(()) } else { Err(format!("nobody reads {rest}")) }
    }
}

/// Writes `{a*64}` out.
fn repeated(word: &str) -> Result<String, Wrong> {
    let Some((before, rest)) = word.split_once('{') else { return Ok(word.replace("''", "").replace("_blank_", " ")) };
    let (inside, after) = rest.split_once('}').ok_or("a brace is open")?;
    let (text, times) = inside.split_once('*').ok_or("braces hold TEXT*TIMES")?;
    Ok(format!("{before}{}{after}", text.repeat(times.parse().map_err(|_| "TIMES is no number")?)))
}

/// A number, also as 3M (millions) or 2^48.
pub fn number(word: &str) -> Result<u64, Wrong> {
    let parse = |text: &str| u64::from_str(text).map_err(|_| format!("{word} is no number"));
    match (word.strip_suffix('M'), word.strip_prefix("2^")) {
        (Some(millions), _) => parse(millions)?.checked_mul(1_000_000).ok_or("the number is too large".into()),
        (_, Some(bits)) => 1u64.checked_shl(parse(bits)? as u32).ok_or("the number is too large".into()),
        _ => parse(word),
    }
}

fn pair(word: &str) -> Result<(u64, u64), Wrong> {
    let (input, output) = word.split_once('/').ok_or_else(|| format!("{word} is not INPUT/OUTPUT"))?;
    Ok((number(input)?, number(output)?))
}

pub fn rates(word: &str) -> Result<Rates, Wrong> {
    pair(word).map(|(input, output)| Rates { input, output })
}

pub fn usage(word: &str) -> Result<Usage, Wrong> {
    pair(word).map(|(input, output)| Usage { input, output })
}

/// The names in a list: `a,b`, and `w*3` for w0, w1, w2. A leading `!` asks for the wrong order.
pub fn names(list: &str) -> (bool, Vec<String>) {
    let (wrong_order, list) = list.strip_prefix('!').map_or((false, list), |list| (true, list));
    let mut names = Vec::new();
    for name in list.split(',').filter(|name| !name.is_empty()) {
        match name.split_once('*').and_then(|(name, times)| Some((name, times.parse::<usize>().ok()?))) {
            Some((name, times)) => names.extend((0..times).map(|i| format!("{name}{i}"))),
            None => names.push(name.to_owned()),
        }
    }
    (wrong_order, names)
}

/// The digests that a list of names stands for, in order or in the wrong one.
pub fn digests(list: &str) -> Vec<Digest> {
    let (wrong_order, names) = names(list);
    let mut digests: Vec<_> = names.iter().map(|name| Digest::of(name.as_bytes())).collect();
    in_order(&mut digests, wrong_order, |digest| *digest);
    digests
}

pub fn in_order<T, K: Ord>(list: &mut [T], wrong_order: bool, key: impl Fn(&T) -> K) {
    list.sort_by_key(&key);
    if wrong_order {
        list.reverse();
    }
}
