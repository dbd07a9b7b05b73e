//! Mistakes in expressions and filters, each with its place.

use super::check_synchronization;

#[test]
fn a_mistake_in_an_expression_is_shown_with_its_place() {
    for (mapping, want) in [
        (
            r#""city":{"expression":"Joim(\" \", [city])"}"#,
            "city.expression: unknown function `Joim`, did you mean `Join`?\n    Joim(\" \", [city])\n    ^^^^",
        ),
        (
            r#""city":{"expression":"Append([ctiy], \"x\")"}"#,
            "city.expression: there is no attribute `ctiy` that can be read, did you mean `city`?\n    Append([ctiy], \"x\")\n           ^^^^^^",
        ),
        (r#""city":{"expression":"[otherMails]"}"#, "city.expression: gives a list of texts and 'city' holds a text"),
        (r#""city":{"expression":""}"#, "city.expression: "),
        (
            r#""city":{"expression":"SelectUniqueValue([city], \"a\")"}"#,
            "city.expression: `SelectUniqueValue` cannot be used: it is documented",
        ),
        (r#""userType":{"expression":"Append(\"Mem\", [city])"}"#, "userType.expression: must be a constant"),
        (r#""city":{"constant":"x","default":"y"}"#, "city.default: has no effect beside a constant or `none`"),
        (r#""businessPhones":{"expression":"[city]","default":"y"}"#, "businessPhones.default: cannot be a list of texts"),
    ] {
        let json = format!(r#"{{"to":"hub","scope":{{"everyone":true}},"mappings":{{{mapping}}}}}"#);
        check_synchronization(&json, &format!("spec.mappings.{want}"));
    }
}

#[test]
fn a_mistake_in_a_filter_is_shown_with_its_place() {
    let clause = |clause: &str| format!(r#"[{{"clauses":[{{"attribute":"city","operator":"IS NULL"}},{{{clause}}}]}}]"#);
    for (filter, want) in [
        (
            r#""department LIKE \"Sales\"""#.to_owned(),
            "where: an operator is expected, such as `EQUALS` or `IS NOT NULL`\n    department LIKE \"Sales\"\n               ^^^^",
        ),
        (r#""userType EQUALS \"Guest\"""#.to_owned(), "where: `userType` cannot be filtered on: it is documented as not supported"),
        (r#""proxyAddresses IS NULL""#.to_owned(), "where: `proxyAddresses` has several values, which cannot be filtered on"),
        (r#""createdDateTime IS NULL""#.to_owned(), "where: `createdDateTime` is a date, which cannot be filtered on"),
        (r#""""#.to_owned(), "where: "),
        ("[]".to_owned(), "where: is empty: leave it out, or name the clauses of a group"),
        (r#"[{"clauses":[]}]"#.to_owned(), "where[0].clauses: is empty"),
        (clause(r#""attribute":"ctiy","operator":"IS NULL""#), "where[0].clauses[1].attribute: there is no attribute `ctiy` to filter on"),
        (clause(r#""attribute":"city","operator":"EQUAL","value":"x""#), "where[0].clauses[1].operator: unknown operator `EQUAL`"),
        (
            clause(r#""attribute":"employeeId","operator":"GREATER THAN","value":"x""#),
            "where[0].clauses[1].value: GREATER THAN needs a whole number",
        ),
        (clause(r#""attribute":"city","operator":"REGEX MATCH","value":"a)(b""#), "where[0].clauses[1].value: at character 2"),
    ] {
        check_synchronization(&format!(r#"{{"to":"hub","scope":{{"everyone":true,"where":{filter}}}}}"#), &format!("spec.scope.{want}"));
    }
}
