//! An artifact with its whole lineage as a bill of materials that tools of other people read: CycloneDX 1.6 (ML-BOM).
//!
//! Every work is a component by the digest of its manifest, and depends on its parents; a model's parents that are models are its
//! pedigree, too, and those that are data stand in its model card. The same works, as much of them as is stored here, give the
//! same document.

use axum::{
    Json,
    http::header,
    response::{IntoResponse as _, Response},
};
use blobs::{Store, license::spdx};
use ledger::{ArtifactId, Digest, Kind};
use std::{cmp::Reverse, collections::HashSet, sync::Arc};

use super::{
    library::{Index, Work, blocking},
    openness,
};
use crate::{error::Problem, gateway::Buyer};

mod cyclonedx;

use cyclonedx::{
    Author, Bom, Component, Composition, Data, DataReference, Dependency, License, MEDIA_TYPE, Metadata, ModelCard,
    ModelParameters, Pedigree, Property, Reference, SCHEMA, Tools,
};

/// Works of one document. What is beyond is missing, and it says so.
const WORKS_MAX: usize = 4_096;

/// The bill of materials of an artifact.
pub async fn bom(buyer: &Buyer, name: &str) -> Result<Response, Problem> {
    let (index, id) = super::show::find(buyer, name).await?;
    let store = Arc::clone(&buyer.config.store);
    let bom = blocking(move || index.get(id).map(|work| of(&store, &index, work))).await?;
    let bom = bom.ok_or_else(Problem::internal)?;
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], Json(bom)).into_response())
}

fn of(store: &Store, index: &Index, work: &Work) -> Bom {
    let closure = index.closure(&[work.id], WORKS_MAX);
    let mut works: Vec<&Work> = closure.iter().filter_map(|id| index.get(*id)).collect();
    // Parents stand on the ledger before their children: the newest comes first.
    works.sort_by_key(|work| Reverse(work.artifact.ordinal));
    let parents = |work: &Work| work.artifact.publish.parents.clone();
    let dependency = |work: &&Work| Dependency {
        of: work.id.to_string(),
        depends_on: parents(work).iter().filter(|id| closure.contains(*id)).map(ToString::to_string).collect(),
    };
    let cut = works.iter().filter(|work| !parents(work).iter().all(|id| closure.contains(id)));
    let cut: Vec<String> = cut.map(|work| work.id.to_string()).collect();
    let incomplete = (!cut.is_empty()).then_some(Composition { aggregate: "incomplete", dependencies: cut });
    let others = works.iter().filter(|other| other.id != work.id);
    let mut bom = Bom {
        schema: SCHEMA,
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: None,
        version: 1,
        metadata: Metadata {
            tools: Tools { components: vec![program()] },
            component: subject(store, index, work, &closure),
        },
        components: others.map(|work| component(index, work, &closure)).collect(),
        dependencies: works.iter().map(dependency).collect(),
        compositions: incomplete.into_iter().collect(),
    };
    bom.serial_number = serde_json::to_vec(&bom).ok().map(|bytes| serial(Digest::of(&bytes)));
    bom
}

/// What the document is of: beside what is said of every work, its files and how open it is.
fn subject(store: &Store, index: &Index, work: &Work, known: &HashSet<ArtifactId>) -> Component {
    let mut subject = component(index, work, known);
    if work.listed
        && let Ok(manifest) = store.manifest(work.id)
    {
        let file = |file: &blobs::Descriptor| Component {
            kind: "file",
            name: file.path().to_owned(),
            hashes: vec![file.digest.into()],
            ..Component::default()
        };
        subject.components = manifest.files().iter().map(file).collect();
    }
    if let Some(class) = openness::class(store, index, work) {
        subject.properties.push(Property { name: "pumasi:openness", value: format!("{class:?}") });
    }
    subject
}

/// A work, of whose data only what the document has is referred to.
fn component(index: &Index, work: &Work, known: &HashSet<ArtifactId>) -> Component {
    let (publish, facts) = (&work.artifact.publish, &work.facts);
    let royalty = publish.royalty;
    let mut properties = vec![
        Property { name: "pumasi:kind", value: super::Kind::from(publish.kind).name().into() },
        Property { name: "pumasi:royalty:input", value: royalty.input.to_string() },
        Property { name: "pumasi:royalty:output", value: royalty.output.to_string() },
    ];
    if work.artifact.retired {
        properties.push(Property { name: "pumasi:retired", value: "true".into() });
    }
    let parents = || publish.parents.iter().filter_map(|id| index.get(*id));
    let ancestors: Vec<Component> = parents().filter(|parent| is_model(parent)).map(brief).collect();
    let data = parents().filter(|parent| parent.artifact.publish.kind == Kind::Dataset && known.contains(&parent.id));
    let parameters = ModelParameters {
        model_architecture: facts.architecture.clone(),
        datasets: data.map(|parent| DataReference { to: parent.id.to_string() }).collect(),
    };
    let publisher = index.account(work.artifact.publisher);
    Component {
        bom_ref: Some(work.id.to_string()),
        authors: facts.authors.iter().map(|name| Author { name: name.clone() }).collect(),
        publisher: Some(publisher.clone()),
        group: Some(publisher),
        description: facts.description.clone().or_else(|| facts.title.clone()),
        licenses: facts.license.iter().map(|text| license(text)).collect(),
        purl: Some(format!("pkg:oci/{}@sha256%3A{}", publish.name, hex::encode(work.id.0))),
        external_references: facts.source.as_deref().and_then(source).into_iter().collect(),
        pedigree: (!ancestors.is_empty()).then_some(Pedigree { ancestors }),
        model_card: is_model(work).then_some(ModelCard { model_parameters: parameters }),
        properties,
        ..brief(work)
    }
}

fn is_model(work: &Work) -> bool {
    matches!(work.artifact.publish.kind, Kind::Model | Kind::Adapter)
}

/// What tells a work from others.
fn brief(work: &Work) -> Component {
    let publish = &work.artifact.publish;
    let data = |kind| vec![Data { kind, name: publish.name.clone() }];
    let (kind, data) = match publish.kind {
        Kind::Model | Kind::Adapter => ("machine-learning-model", Vec::new()),
        Kind::Dataset => ("data", data("dataset")),
        Kind::Recipe => ("data", data("source-code")),
        Kind::Evaluation => ("data", data("other")),
    };
    Component {
        kind,
        name: publish.name.clone(),
        version: Some(work.id.to_string()),
        hashes: vec![work.id.into()],
        data,
        ..Component::default()
    }
}

/// What a manifest calls its license may be anything: an expression is one only where SPDX reads it as such.
fn license(text: &str) -> License {
    let acknowledgement = "declared";
    match spdx(text) {
        Some(expression) if expression == text => License::Expression { expression, acknowledgement },
        _ => License::License { name: text.to_owned(), acknowledgement },
    }
}

/// Where a work was brought from, if that is an address and nothing else.
fn source(text: &str) -> Option<Reference> {
    let url = reqwest::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@!$&'()*+,;=%".contains(c);
    let escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    let good = url.as_str().chars().all(plain) && url.as_str().split('%').skip(1).all(escape);
    good.then(|| Reference { kind: "distribution", url: url.into() })
}

/// This program.
fn program() -> Component {
    let version = Some(env!("CARGO_PKG_VERSION").to_owned());
    Component { kind: "application", name: "pumasi".into(), version, ..Component::default() }
}

/// One number for one content: a UUID of version 8 (RFC 9562, section 5.8) from the digest of the rest.
fn serial(Digest(bytes): Digest) -> String {
    let mut bytes: [u8; 16] = std::array::from_fn(|at| bytes[at]);
    bytes[6] = 0x80 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    let text = hex::encode(bytes);
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    format!("urn:uuid:{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_content_has_one_number() {
        let of = |text: &[u8]| serial(Digest::of(text));
        assert_eq!(of(b""), "urn:uuid:e3b0c442-98fc-8c14-9afb-f4c8996fb924");
        assert_ne!(of(b"a"), of(b"b"));
    }

    #[test]
    fn what_a_stranger_writes_is_no_license_and_no_address() {
        let json = |text| serde_json::to_value(license(text)).unwrap();
        assert_eq!(json("MIT OR Apache-2.0")["expression"], "MIT OR Apache-2.0");
        assert_eq!(json("LicenseRef-llama3.1")["expression"], "LicenseRef-llama3.1");
        assert_eq!(json("ask (Kim)")["license"]["name"], "ask (Kim)");
        let url = |text| source(text).map(|reference| reference.url);
        assert_eq!(
            url("https://huggingface.co/kim/모델").as_deref(),
            Some("https://huggingface.co/kim/%EB%AA%A8%EB%8D%B8")
        );
        for text in
            ["javascript:alert(1)", "/tmp/a", "https://a/|", "https://a/%zz", "https://a/%", "http://", "kim/base", ""]
        {
            assert_eq!(url(text), None, "{text}");
        }
    }
}
