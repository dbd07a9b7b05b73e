//! Maps a source user's attributes to attributes in a target.
//!
//! The defaults of [`attribute`], what the synchronization maps on top of them, and what the target keeps for itself are compiled once a
//! revision into one list, over the attributes that both directories have ([`Tables`]); mapping a user is a walk over that list. What was not read is never written: only an explicit null clears.

mod attribute;
mod attributes;
mod expression;
mod resolved;
pub(crate) mod schema;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

pub use attribute::{Attribute, ByDefault, Target, ValueType};
pub use attributes::{attribute, known, name};
pub use expression::{Known, checked};
pub use resolved::{extensions_read, is_resolved, names_extension};
pub(crate) use table::AnyExtension;
pub use table::{AttributeTable, Tables};
use xtsync_language::{Compiler, Context, Program, Run, Schema as _};

use self::expression::converted;
use crate::attributes::AttributeName;
use crate::configuration::Configuration;
use crate::extension::is_extension;
use crate::resource::{Apply, Mapping, MappingSource, Nulls, Synchronization, UserType};
use crate::{Attributes, TenantName, Value};

/// The compiled mappings of one synchronization.
#[derive(Debug, Clone)]
pub struct Mappings {
    rows: Vec<Row>,
    /// The expressions, by the numbers that rows have.
    program: Arc<Program>,
}

/// The mapped attributes of a user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapped {
    /// Written at creation and kept equal; a null clears the attribute.
    pub attributes: Attributes,
    /// Written at creation only.
    pub on_create: Attributes,
    /// What cannot be written for this user, so that it is left as it is in the target.
    pub invalid: Vec<Invalid>,
}

/// A target attribute that has no value for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The source attribute whose value does not fit, or the target attribute whose expression fails.
    pub attribute: String,
    /// Why: `wrong_type`, or the code of the expression's failure.
    pub code: &'static str,
}

/// One target attribute.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Row {
    target: AttributeName,
    value_type: ValueType,
    from: Input,
    /// The value where that gives none.
    default: Option<Value>,
    apply: Apply,
    /// Whether a null is written.
    clears: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Input {
    Attribute(String),
    Constant(Value),
    /// By number in the program, with its text.
    Expression(usize, String),
}

/// The program follows from the rows.
impl PartialEq for Mappings {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows
    }
}

impl Eq for Mappings {}

impl Hash for Mappings {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rows.hash(state);
    }
}

/// The compiled mappings of a synchronization out of a tenant. What the target's terms keep for the target is written at creation only.
pub fn of(configuration: &Configuration, source: &TenantName, synchronization: &Synchronization) -> Mappings {
    let keeps = configuration.terms(&synchronization.to, source).map(|terms| terms.keeps.clone()).unwrap_or_default();
    let tables = configuration.tables(source, &synchronization.to);
    compile(&synchronization.mappings, synchronization.nulls, &keeps, &tables)
}

/// Compiles mappings: the defaults, `written` on top of them, and `keeps`, what the target lets be written at creation only.
///
/// What [`crate::configuration::validate`] refuses is left out here, and so are extensions that were not read or are gone.
#[must_use]
pub fn compile(written: &BTreeMap<String, Mapping>, nulls: Nulls, keeps: &BTreeSet<String>, tables: &Tables<'_>) -> Mappings {
    let mut compiler = Compiler::new(&tables.source);
    let mut row = |attribute: Attribute<'_>| {
        let mapping = match written.get(attribute.name) {
            Some(mapping) => mapping.clone(),
            None => by_default(&attribute)?,
        };
        let clears = match attribute.target {
            Target::Clearable => mapping.nulls.unwrap_or(nulls) == Nulls::Clear,
            Target::Required => false,
            Target::Never(_) => return None,
        };
        Some(Row {
            target: name(attribute.name),
            value_type: attribute.value_type,
            from: compiled(&mapping.from, attribute.value_type, &tables.source, &mut compiler)?,
            default: mapping.default.and_then(|text| attribute.value_type.constant(&text)),
            apply: if keeps.contains(attribute.name) { Apply::OnCreate } else { mapping.apply },
            clears,
        })
    };
    let extensions = written.keys().filter(|name| is_extension(name)).filter_map(|name| tables.target.attribute(name));
    let extensions = extensions.filter(|attribute| attribute.value_type != ValueType::Unread);
    let rows = known().iter().copied().chain(extensions).filter_map(&mut row).collect();
    Mappings { rows, program: Arc::new(compiler.finish()) }
}

/// Maps one user's attributes. The context is what expressions may depend on besides them.
#[must_use]
pub fn map(mappings: &Mappings, attributes: &Attributes, context: &Context) -> Mapped {
    let source = Known(attributes);
    let run = Run::new(&mappings.program, &source, context);
    let mut mapped = Mapped { attributes: Attributes::with_capacity(mappings.rows.len()), ..Mapped::default() };
    for row in &mappings.rows {
        match row.value(attributes, &run) {
            Ok(Some(value)) => mapped.put(row, value),
            Ok(None) => {}
            Err(invalid) => mapped.invalid.push(invalid),
        }
    }
    mapped
}

impl Row {
    /// The value for a user; `None` where the attribute is left as it is.
    fn value(&self, attributes: &Attributes, run: &Run<'_>) -> Result<Option<Value>, Invalid> {
        let value = match &self.from {
            Input::Constant(value) => Some(value.clone()),
            Input::Attribute(name) => match attributes.get(name) {
                Some(value) if self.value_type.holds(value) => Some(value.clone()),
                Some(_) => return Err(Invalid { attribute: name.clone(), code: "wrong_type" }),
                None => None,
            },
            Input::Expression(number, _) => converted(run.evaluate(*number), self.value_type, &self.target)?,
        };
        Ok(match (value, &self.default) {
            (Some(Value::Null), Some(default)) => Some(default.clone()),
            (Some(Value::Texts(texts)), _) if is_extension(&self.target) => Some(Value::Texts(as_set(texts))),
            (value, _) => value,
        })
    }
}

/// The values of a multi-valued extension. A directory promises no order of them and keeps none twice; another order is no difference.
fn as_set(texts: Vec<String>) -> Vec<String> {
    texts.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

impl Mapped {
    fn put(&mut self, row: &Row, value: Value) {
        match (row.apply, value) {
            (Apply::Always, Value::Null) if !row.clears => {}
            (Apply::OnCreate, Value::Null) => {}
            (Apply::Always, value) => self.attributes.insert(row.target.clone(), value),
            (Apply::OnCreate, value) => self.on_create.insert(row.target.clone(), value),
        }
    }
}

impl Mappings {
    /// The target attributes that are written, at creation only or always.
    pub fn writes(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|row| &*row.target)
    }

    /// The source attributes that are read.
    pub fn reads(&self) -> impl Iterator<Item = &str> {
        let direct = self.rows.iter().filter_map(|row| match &row.from {
            Input::Attribute(name) => Some(name.as_str()),
            Input::Constant(_) | Input::Expression(..) => None,
        });
        direct.chain(self.program.attributes())
    }

    /// Whether any value depends on more than the attributes: on the moment, on the tenant or on chance.
    pub(crate) fn depend_on_context(&self) -> bool {
        self.program.depends_on_context()
    }

    /// The mapped user type. Without one, an invitation creates a guest.
    #[must_use]
    pub fn user_type(&self) -> UserType {
        let row = self.rows.iter().find(|row| row.target == "userType");
        match row.map(|row| &row.from) {
            Some(Input::Constant(Value::Text(text))) if text == "Member" => UserType::Member,
            Some(Input::Constant(_) | Input::Attribute(_) | Input::Expression(..)) | None => UserType::Guest,
        }
    }
}

/// Whether a mapping's expression reads the default domain of the target.
#[must_use]
pub fn reads_default_domain(mapping: &Mapping) -> bool {
    let may = matches!(&mapping.from, MappingSource::Expression(text) if text.contains(DEFAULT_DOMAIN));
    may && program(&mapping.from).is_some_and(|program| program.calls(DEFAULT_DOMAIN))
}

/// Whether the value of a mapping is not to be shown: it says so, or its expression redacts a part of it.
#[must_use]
pub fn is_hidden(mapping: &Mapping) -> bool {
    const REDACT: &str = "Redact";
    let may = matches!(&mapping.from, MappingSource::Expression(text) if text.contains(REDACT));
    mapping.sensitive || may && program(&mapping.from).is_some_and(|program| program.calls(REDACT))
}

/// The function that gives the target's default domain.
const DEFAULT_DOMAIN: &str = "DefaultDomain";

/// The source attributes that a mapping reads.
#[must_use]
pub fn reads(from: &MappingSource) -> Vec<String> {
    match from {
        MappingSource::Source(name) => vec![name.clone()],
        MappingSource::Expression(_) | MappingSource::Constant(_) | MappingSource::None => {
            program(from).iter().flat_map(Program::attributes).map(str::to_owned).collect()
        }
    }
}

/// The expression of a mapping by itself; `None` where it has none, or its text is no expression.
fn program(from: &MappingSource) -> Option<Program> {
    let MappingSource::Expression(text) = from else { return None };
    let mut compiler = Compiler::new(&AnyExtension);
    compiler.add(text).ok()?;
    Some(compiler.finish())
}

fn compiled(from: &MappingSource, value_type: ValueType, source: &AttributeTable<'_>, compiler: &mut Compiler<'_>) -> Option<Input> {
    match from {
        // A directory may refuse to be asked for an extension that it does not have.
        MappingSource::Source(name) if is_extension(name) && source.kind(name).is_none() => None,
        MappingSource::Source(name) => Some(Input::Attribute(name.clone())),
        MappingSource::Constant(text) => value_type.constant(text).map(Input::Constant),
        MappingSource::Expression(text) => compiler.add(text).ok().map(|number| Input::Expression(number, text.clone())),
        MappingSource::None => None,
    }
}

fn by_default(attribute: &Attribute<'_>) -> Option<Mapping> {
    match attribute.default {
        ByDefault::Direct => Some(MappingSource::Source(attribute.name.to_owned()).into()),
        ByDefault::OnCreate(text) => Some(Mapping { apply: Apply::OnCreate, ..MappingSource::Constant(text.to_owned()).into() }),
        ByDefault::Unmapped => None,
    }
}

#[cfg(test)]
mod tests;
