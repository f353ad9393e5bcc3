//! The Model Openness Framework's own test files: what is computed agrees with what their names say.

use blobs::openness::{Class, Declaration, Grade, class, progress};
use std::{fs, path::Path};

/// What a name such as `X_C1_73%-C2_82%-C3_83%_15C_4G_15L_13V_2I_11T` says.
#[derive(Debug, PartialEq, Eq)]
struct Expected {
    percent: [usize; 3],
    components: usize,
    global: usize,
    own: usize,
    valid: usize,
    invalid: usize,
    fit: usize,
}

impl Expected {
    fn read(name: &str) -> Option<Self> {
        let percent = |class: &str| name.split_once(&format!("{class}_"))?.1.split_once('%')?.0.parse().ok();
        let counts = name.rsplit_once("%_")?.1.split('_');
        let count = |letter: char| counts.clone().find_map(|count| count.strip_suffix(letter)?.parse().ok());
        Some(Self {
            percent: [percent("C1")?, percent("C2")?, percent("C3")?],
            components: count('C')?,
            global: count('G')?,
            own: count('L')?,
            valid: count('V')?,
            invalid: count('I')?,
            fit: count('T')?,
        })
    }

    fn compute(declaration: &Declaration) -> Self {
        let sheet = declaration.sheet();
        let graded = |good: fn(Grade) -> bool| sheet.values().filter(|held| good(held.grade)).count();
        let percent = |class| usize::from(progress(&sheet, class).percent);
        Self {
            percent: [percent(Class::I), percent(Class::II), percent(Class::III)],
            components: declaration.components.len(),
            global: declaration.global_licenses(),
            own: declaration.components.iter().filter(|component| component.license.is_some()).count(),
            valid: graded(Grade::is_open),
            invalid: graded(|grade| grade == Grade::Closed),
            fit: graded(|grade| grade == Grade::Fit),
        }
    }
}

/// Names that count one license fit for its type too few. The page that comes with the files says that this one count is wrong
/// in some of them: a license of open data that came up by chance is not counted where none was asked for.
const FIT_MISCOUNTED: [&str; 2] = [
    "OnlyComponentLicenses_C1_7%-C2_0%-C3_0%_7C_0G_7L_2V_5I_0T",
    "RandomTestFile_C1_33%-C2_45%-C3_50%_7C_2G_7L_5V_2I_1T",
];

/// Checks every file of a folder whose name says what to expect; gives how many.
fn check(folder: &Path) -> usize {
    let mut checked = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let Some(mut expected) = Expected::read(name) else { continue };
        expected.fit += usize::from(FIT_MISCOUNTED.contains(&name));
        let declaration = Declaration::parse(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(Expected::compute(&declaration), expected, "{name}");
        let reached =
            [Class::I, Class::II, Class::III].into_iter().zip(expected.percent).find(|(_, percent)| *percent == 100);
        assert_eq!(class(&declaration.sheet()), reached.map(|(class, _)| class), "{name}");
        checked += 1;
    }
    checked
}

#[test]
fn declarations_come_to_what_their_names_say() {
    assert_eq!(check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mof")), 3);
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/mof");
    if all.is_dir() {
        assert!(check(&all) >= 14);
    } else {
        eprintln!("{} is not here: only the three copies in this tree were checked", all.display());
    }
}
