//! What mappings know of the extensions of a directory.

use super::*;

fn name(own: &str) -> String {
    format!("extension_0123456789abcdef0123456789abcdef_{own}")
}

#[test]
fn an_extension_holds_what_the_directory_says_and_some_nothing_that_a_mapping_carries() {
    use DataType::{Binary, Boolean, DateTime, Integer, LargeInteger, Other, String};
    for (own, data_type, is_multi_valued, want, why) in [
        ("a", String, false, ValueType::Text, ""),
        ("a", String, true, ValueType::Texts, ""),
        ("a", Boolean, false, ValueType::Flag, ""),
        ("a", DateTime, false, ValueType::Time, ""),
        ("a", Integer, false, ValueType::Number, ""),
        ("a", LargeInteger, false, ValueType::Number, ""),
        ("a", Integer, true, ValueType::Other, "several values that are no texts"),
        ("a", DateTime, true, ValueType::Other, "several values that are no texts"),
        ("a", Binary, false, ValueType::Other, "bytes"),
        ("a", Other, false, ValueType::Other, "its type"),
        ("xtsyncAnchor", String, false, ValueType::Other, "which user an object is"),
    ] {
        let mut extensions = DirectoryExtensions::default();
        extensions.users.0.insert(name(own), Extension { data_type, is_multi_valued });
        let (table, name) = (AttributeTable::new(Some(&extensions)), name(own));
        let attribute = table.attribute(&name).unwrap();
        assert_eq!(attribute.value_type, want, "{data_type:?}");
        assert_eq!((attribute.source, table.is_writable(&name)), (why.is_empty(), why.is_empty()), "{data_type:?}");
        assert_eq!(table.names().contains(&name.as_str()), why.is_empty());
        assert!(match attribute.target {
            Target::Never(said) => !why.is_empty() && said.contains(why),
            Target::Clearable | Target::Required => why.is_empty(),
        });
    }
}

#[test]
fn before_they_are_read_any_extension_may_exist_and_afterwards_only_those_that_were_read() {
    let (unread, none) = (AttributeTable::default(), DirectoryExtensions::default());
    let (read, name) = (AttributeTable::new(Some(&none)), name("a"));
    assert_eq!(unread.attribute(&name).map(|attribute| attribute.value_type), Some(ValueType::Unread));
    assert_eq!((unread.kind(&name), AnyExtension.kind(&name)), (None, Some(Kind::Any)));
    assert!(unread.is_writable(&name) && read.attribute(&name).is_none() && !read.is_writable(&name));
    for table in [unread, read] {
        assert_eq!(table.attribute("city").map(|attribute| attribute.value_type), Some(ValueType::Text));
        assert_eq!((table.attribute("extension_1_a"), table.attribute("badge")), (None, None));
    }
}
