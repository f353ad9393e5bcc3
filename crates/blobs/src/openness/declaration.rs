//! A `mof.yml`: what a publisher declares about a release, in the form of the framework's own tool.

use serde::Deserialize;

use super::{
    calculator::{Held, Sheet},
    license::Grade,
    part::{Part, Type},
};

/// No declaration is longer.
const BYTES_MAX: usize = 256 << 10;

/// What is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    licenses: Licenses,
    /// Every component that the framework knows, in the order of the file.
    pub components: Vec<Declared>,
}

/// A component as it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Which.
    pub part: Part,
    /// Where it lies.
    pub path: Option<String>,
    /// Its own license.
    pub license: Option<String>,
}

/// Licenses of the whole release.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Licenses {
    distribution: Named,
    code: Named,
    data: Named,
    document: Named,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Named {
    name: Option<String>,
}

#[derive(Deserialize)]
struct File {
    release: Release,
}

#[derive(Deserialize)]
struct Release {
    #[serde(default)]
    license: Option<Licenses>,
    #[serde(default)]
    components: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    license: Option<String>,
    component_path: Option<String>,
}

impl Declaration {
    /// Reads one. Components that the framework does not know are left out.
    ///
    /// # Errors
    /// A sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > BYTES_MAX {
            return Err("it is longer than 256 KiB".into());
        }
        let file: File =
            serde_saphyr::from_str(text).map_err(|error| format!("it is no declaration of the framework: {error}"))?;
        let declared = |entry: Entry| {
            let part = Part::named(&entry.name)?;
            Some(Declared { part, path: given(entry.component_path), license: given(entry.license) })
        };
        let components = file.release.components.into_iter().filter_map(declared).collect();
        Ok(Self { licenses: file.release.license.unwrap_or_default(), components })
    }

    /// The license of a component by what is said for its type, or for everything.
    pub fn license_for(&self, kind: Type) -> Option<&str> {
        let of_type = match kind {
            Type::Code => &self.licenses.code,
            Type::Data => &self.licenses.data,
            Type::Document => &self.licenses.document,
        };
        let name = |named: &Named| named.name.as_deref().map(str::trim).filter(|name| !name.is_empty()).is_some();
        [of_type, &self.licenses.distribution].into_iter().find(|named| name(named))?.name.as_deref()
    }

    /// How many licenses there are for the whole release.
    pub fn global_licenses(&self) -> usize {
        let Licenses { distribution, code, data, document } = &self.licenses;
        [distribution, code, data, document].into_iter().filter(|named| named.name.is_some()).count()
    }

    /// What the declaration comes to, believed as it stands.
    pub fn sheet(&self) -> Sheet {
        let held = |declared: &Declared| {
            let license = declared.license.as_deref().or_else(|| self.license_for(declared.part.kind()));
            Held { grade: Grade::of(license, declared.part.kind()), own: declared.license.is_some() }
        };
        self.components.iter().map(|declared| (declared.part, held(declared))).collect()
    }
}

fn given(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}
