//! What an artifact lacks for a better openness class, as sentences that say what to do.

use blobs::openness::{Class, Component, Grade, Openness, Part};

use super::line;
use crate::{language::korean, t};

/// A class of the Model Openness Framework.
pub fn openness(class: Option<Class>) -> String {
    class.map_or_else(|| "-".to_owned(), |class| format!("{class:?}"))
}

/// What is missing for the next better class.
pub fn missing(openness: &Openness) {
    let Some(next) = openness.classes.iter().find(|class| !class.missing.is_empty()) else { return };
    let class = next.progress.class;
    line("");
    line(&t!("Missing for openness class {class:?}:", "개방 등급 {class:?}에 부족한 것:"));
    let of = |part: &Part| openness.components.iter().find(|component| component.part == *part);
    let sentences = next.missing.iter().filter_map(of).filter_map(sentence);
    sentences.for_each(|sentence| line(&format!("  {sentence}")));
}

/// Why a component does not count, and what to do.
fn sentence(component: &Component) -> Option<String> {
    if korean() { in_korean(component) } else { component.sentence.clone() }
}

fn in_korean(component: &Component) -> Option<String> {
    let Component { part, kind, grade, files, lacking, .. } = component;
    let (name, advice) = words(*part);
    let worst = files.iter().find(|file| Some(Grade::of(file.license.as_deref(), *kind)) == *grade);
    let (path, license) =
        worst.map_or(("파일", ""), |file| (&*file.path, file.license.as_deref().unwrap_or_default()));
    match grade {
        Some(Grade::Fit | Grade::Open) => None,
        Some(Grade::Closed) => {
            Some(format!("{name}: {path}의 라이선스 {license}은(는) SPDX에 열린 라이선스로 올라 있지 않습니다"))
        }
        Some(Grade::None) => Some(format!("{name}: {path}의 라이선스를 알 수 없습니다. SPDX에 있는 이름으로 적으세요")),
        None if !lacking.is_empty() => Some(format!("{name}: {}의 것이 없습니다. {advice}", lacking.join(", "))),
        None => Some(format!("{name}: 저장된 파일 가운데 없습니다. {advice}")),
    }
}

/// The name of a component, and what to add where it is missing.
const fn words(part: Part) -> (&'static str, &'static str) {
    match part {
        Part::Architecture => {
            ("모델 구조", "modeling.py 같은 모델의 코드나 config.json을 더하세요. GGUF로 된 가중치도 됩니다")
        }
        Part::FinalParameters => ("최종 가중치", "safetensors나 GGUF로 된 가중치를 더하세요"),
        Part::ModelCard => ("모델 카드", "--- 두 줄 사이에 라이선스 따위를 적은 카드로 시작하는 README.md를 더하세요"),
        Part::DataCard => ("데이터 카드", "데이터셋에 README.md를 넣거나 DATA_CARD.md를 더하세요"),
        Part::TechnicalReport => ("기술 보고서", "REPORT.md나 PAPER.md, 또는 그 PDF를 더하세요"),
        Part::EvaluationResults => {
            ("평가 결과", "EVALUATION.md나 eval_results.json을 더하거나, 이것의 평가를 게시하세요")
        }
        Part::SampleOutputs => ("출력 예시", "SAMPLES.md를 더하세요"),
        Part::TrainingCode => ("학습 코드", "train.py를 더하거나, 레시피를 부모로 적으세요"),
        Part::InferenceCode => ("추론 코드", "inference.py를 더하거나, 레시피에 넣으세요"),
        Part::EvaluationCode => ("평가 코드", "evaluate.py를 더하거나, 레시피에 넣으세요"),
        Part::EvaluationData => ("평가 데이터", "데이터셋에 test.jsonl을 넣거나, 문제가 든 eval/ 폴더를 더하세요"),
        Part::Libraries => ("라이브러리와 도구", "requirements.txt나 도구 자체를 더하세요"),
        Part::Datasets => ("학습 데이터", "데이터셋을 부모로 적거나, data/ 폴더를 더하세요"),
        Part::PreprocessingCode => ("데이터 전처리 코드", "prepare.py를 더하거나, 레시피에 넣으세요"),
        Part::IntermediateParameters => ("중간 가중치", "학습 도중의 가중치를 checkpoints/ 폴더에 더하세요"),
        Part::ResearchPaper => ("연구 논문", "PAPER.md나 paper.pdf를 더하세요"),
        Part::Metadata => ("모델 메타데이터", "trainer_state.json이나 옵티마이저의 상태를 더하세요"),
    }
}

#[cfg(test)]
mod tests {
    use blobs::openness::{Component, Grade, Part, Stands};

    #[test]
    fn openness_is_said_in_korean_too() {
        let hangul = |text: &str| text.chars().any(|c| ('가'..='힣').contains(&c));
        for part in Part::ALL {
            let (name, advice) = super::words(part);
            assert!(hangul(name) && hangul(advice), "{part:?}");
        }
        let component = |grade, license: Option<&str>, lacking: &[&str]| Component {
            part: Part::ModelCard,
            kind: Part::ModelCard.kind(),
            class: Part::ModelCard.class(),
            required: true,
            grade,
            files: vec![Stands {
                artifact: "you/m".into(),
                path: "README.md".into(),
                license: license.map(Into::into),
            }],
            count: 1,
            lacking: lacking.iter().map(|name| (*name).to_owned()).collect(),
            sentence: Some("English".into()),
        };
        for (grade, license, lacking, part) in [
            (Some(Grade::Closed), Some("LicenseRef-mine"), &[][..], "README.md의 라이선스 LicenseRef-mine"),
            (Some(Grade::None), None, &[], "README.md의 라이선스를 알 수 없습니다"),
            (None, None, &["you/tales:latest"], "you/tales:latest의 것이 없습니다"),
            (None, None, &[], "저장된 파일 가운데 없습니다"),
        ] {
            let said = super::in_korean(&component(grade, license, lacking)).unwrap();
            assert!(said.starts_with("모델 카드: ") && said.contains(part), "{said}");
        }
        assert_eq!(super::in_korean(&component(Some(Grade::Fit), Some("MIT"), &[])), None);
    }
}
