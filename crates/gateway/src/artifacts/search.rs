//! Words to be found by: what is typed in another case, width, accent or composition is the same word.

use std::collections::BTreeMap;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// Of a longer word not more syllables are looked at.
const SYLLABLES_MAX: usize = 16;

/// The words of a text, each in one form: compatible forms are one (NFKC), lower case, without accents. Hangul is taken
/// apart into its letters, so that 품아 finds 품앗이 while it is typed, however it was composed.
pub fn words(text: &str) -> Vec<String> {
    let lower: String = text.nfkc().collect::<String>().to_lowercase();
    let plain: String = lower.nfkd().filter(|c| !is_combining_mark(*c)).collect();
    plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// What a word is found by: its beginning, and, as Korean joins words without a blank, each of its syllables' beginnings.
fn parts(word: &str) -> impl Iterator<Item = &str> {
    // A syllable that was taken apart begins with a leading consonant.
    let syllables = word.char_indices().filter(|(at, c)| *at > 0 && ('\u{1100}'..='\u{1112}').contains(c));
    std::iter::once(word).chain(syllables.take(SYLLABLES_MAX).filter_map(|(at, _)| word.get(at..)))
}

/// Which texts hold which words. Texts are numbers from 0.
#[derive(Debug, Default)]
pub struct Words {
    texts: BTreeMap<String, Vec<u32>>,
    count: usize,
}

impl Words {
    /// Adds the next text, and gives it the next number.
    pub fn push<'a>(&mut self, texts: impl Iterator<Item = &'a str>) {
        let number = u32::try_from(self.count).unwrap_or(u32::MAX);
        for word in texts.flat_map(words) {
            for part in parts(&word) {
                let found = self.texts.entry(part.to_owned()).or_default();
                if found.last() != Some(&number) {
                    found.push(number);
                }
            }
        }
        self.count += 1;
    }

    /// For each text whether it holds a word that begins with each word of the query, in any order. What begins alike
    /// is one range of a sorted map.
    pub fn find(&self, query: &str) -> Vec<bool> {
        let mut good = vec![true; self.count];
        for word in words(query) {
            let mut here = vec![false; self.count];
            let range = self.texts.range(word.clone()..).take_while(|(text, _)| text.starts_with(&word));
            for number in range.flat_map(|(_, numbers)| numbers) {
                if let Some(place) = usize::try_from(*number).ok().and_then(|number| here.get_mut(number)) {
                    *place = true;
                }
            }
            good.iter_mut().zip(here).for_each(|(good, here)| *good &= here);
        }
        good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(texts: &[&str], query: &str) -> Vec<usize> {
        let mut words = Words::default();
        texts.iter().for_each(|text| words.push([*text].into_iter()));
        words.find(query).iter().enumerate().filter(|(_, good)| **good).map(|(at, _)| at).collect()
    }

    #[test]
    fn words_are_found_in_any_form_and_order() {
        let decomposed: String = "한국어 이야기 모델".nfd().collect();
        let texts = ["you/stories-260k:latest Tiny Stories", &decomposed, "한국어 사전", "Ｗｉｄｅ Café"];
        for (query, numbers) in [
            ("stories", &[0][..]),
            ("STO tiny", &[0]),
            ("260", &[0]),
            ("한국어", &[1, 2]),
            ("이야기 한국어", &[1]),
            ("이야", &[1]),
            ("한구", &[1, 2]),
            ("국어", &[1, 2]),
            ("모델", &[1]),
            ("전", &[2]),
            ("ㅎ", &[1, 2]),
            ("wide cafe", &[3]),
            ("CAFÉ", &[3]),
            ("stories 한국어", &[]),
            ("", &[0, 1, 2, 3]),
            (" -/: ", &[0, 1, 2, 3]),
        ] {
            assert_eq!(found(&texts, query), numbers, "{query}");
            let other: String = query.nfd().collect();
            assert_eq!(found(&texts, &other), numbers, "{query} decomposed");
        }
    }
}
