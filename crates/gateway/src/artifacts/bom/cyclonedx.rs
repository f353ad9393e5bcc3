//! CycloneDX 1.6, as far as it is written here. Format: <https://cyclonedx.org/docs/1.6/json/>.

use ledger::Digest;
use serde::Serialize;

/// The schema that a document follows.
pub const SCHEMA: &str = "http://cyclonedx.org/schema/bom-1.6.schema.json";
/// What a document is, to whoever is sent one.
pub const MEDIA_TYPE: &str = "application/vnd.cyclonedx+json; version=1.6";

/// A bill of materials.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bom {
    #[serde(rename = "$schema")]
    pub schema: &'static str,
    pub bom_format: &'static str,
    pub spec_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    pub version: u32,
    pub metadata: Metadata,
    pub components: Vec<Component>,
    pub dependencies: Vec<Dependency>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub compositions: Vec<Composition>,
}

/// Who wrote it, and of what.
#[derive(Debug, Serialize)]
pub struct Metadata {
    pub tools: Tools,
    pub component: Component,
}

#[derive(Debug, Serialize)]
pub struct Tools {
    pub components: Vec<Component>,
}

/// A model, data, code, or a file of them.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Component {
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What others refer to it by.
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    pub bom_ref: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<Author>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<License>,
    /// <https://github.com/package-url/purl-spec>.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub external_references: Vec<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pedigree: Option<Pedigree>,
    /// Of a model alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_card: Option<ModelCard>,
    /// Of data alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<Data>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Self>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<Property>,
}

#[derive(Debug, Serialize)]
pub struct Author {
    pub name: String,
}

#[derive(Debug, Serialize)]
pub struct Hash {
    alg: &'static str,
    content: String,
}

impl From<Digest> for Hash {
    fn from(digest: Digest) -> Self {
        Self { alg: "SHA-256", content: hex::encode(digest.0) }
    }
}

/// As its publisher says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum License {
    /// By a name that SPDX does not know.
    License { name: String, acknowledgement: &'static str },
    /// By SPDX.
    #[serde(untagged)]
    Expression { expression: String, acknowledgement: &'static str },
}

#[derive(Debug, Serialize)]
pub struct Reference {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub url: String,
}

/// What a component was made from.
#[derive(Debug, Serialize)]
pub struct Pedigree {
    pub ancestors: Vec<Component>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelCard {
    pub model_parameters: ModelParameters,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelParameters {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_architecture: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub datasets: Vec<DataReference>,
}

/// A component that is data, by its `bom-ref`.
#[derive(Debug, Serialize)]
pub struct DataReference {
    #[serde(rename = "ref")]
    pub to: String,
}

#[derive(Debug, Serialize)]
pub struct Data {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub name: String,
}

#[derive(Debug, Serialize)]
pub struct Property {
    pub name: &'static str,
    pub value: String,
}

/// What a component is built on, by `bom-ref`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dependency {
    #[serde(rename = "ref")]
    pub of: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
}

/// How far what is said is all there is.
#[derive(Debug, Serialize)]
pub struct Composition {
    pub aggregate: &'static str,
    pub dependencies: Vec<String>,
}
