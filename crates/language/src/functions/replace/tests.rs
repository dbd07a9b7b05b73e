//! What `Replace` gives, in each of its ways.

use crate::testing::check;

#[test]
fn an_old_value_becomes_a_new_one() {
    check(&[
        (r#"Replace([text:Product Developer],"Product Developer", , , "Software Engineer", , )"#, r#""Software Engineer""#),
        (r#"Replace([text:john.doe@contoso.com], "@contoso.com", , ,"", ,)"#, r#""john.doe""#),
        (r#"Replace([text:aAa], "a", , , "xy")"#, r#""xyAxy""#),
        (r#"Replace([text:a], "a", , , [none])"#, r#""""#),
        (r#"Replace([name], [none], , , "x")"#, r#""ana""#),
        (r#"Replace([name], "", "n", "", "$0$0", "", "")"#, r#""anna""#),
        (r#"Replace([none], "a", , , "b")"#, "null"),
        (r#"Replace([empty], "a", , , "b")"#, r#""""#),
    ]);
}

#[test]
fn the_source_takes_the_place_of_an_old_value_in_a_template() {
    check(&[
        (r#"Replace([text:jsmith],"<username>", , , , , "<username>@contoso.com")"#, r#""jsmith@contoso.com""#),
        (r#"Replace([none],"<username>", , , , , "<username>@contoso.com")"#, "null"),
        (r#"Replace([name],"x", , , , , [none])"#, "null"),
    ]);
}

#[test]
fn matches_become_a_text_with_groups() {
    let phone = r#", , "\\+(?<isdCode>\\d* )(?<phoneNumber>\\d{10})", , "#;
    check(&[
        (&format!(r#"Replace([text:+91 9998887777]{phone}"${{phoneNumber}}", , )"#), r#""9998887777""#),
        (&format!(r#"Replace([text:+91 9998887777]{phone}"$2/$1/$$/${{x}}/$9", , )"#), r#""9998887777/91 /$/${x}/$9""#),
        // Documented with 19998887777, which this pattern cannot give: the `+` is none of its characters.
        (r#"Replace([text:+1 (999) 888-7777], , "[()\\s-]+", , "", , )"#, r#""+19998887777""#),
        (r#"Replace([text:john_doe72], , "[a-zA-Z_]*", , "", , )"#, r#""72""#),
        (r#"Replace([text:aaab], , "a*", , "x")"#, r#""xxbx""#),
        (r#"Replace([text:a1b22], , [text:\d+], , "_")"#, r#""a_b_""#),
        (r#"Replace([name], , [none], , "x")"#, r#""ana""#),
        (r#"Replace([name], , "z", , "x")"#, r#""ana""#),
        (r#"Replace([text:(a.)], , "[\\/\\\\\\[\\]\\:\\;]|(\\.)*\\)$", , "")"#, r#""(a""#),
        (r#"Replace([text:ab ab], , "(?<=a)b(?= )", , "x")"#, r#""ax ab""#),
    ]);
}

#[test]
fn what_a_group_matches_becomes_a_text() {
    check(&[
        (r#"Replace([text:545 Tremont Street], ,"(?<streetNumber>^\\d*)","streetNumber", "888", , )"#, r#""888 Tremont Street""#),
        (r#"Replace([text:jsmith@contoso.com], , "(?<Suffix>@(.)*)", "Suffix", "", , )"#, r#""jsmith""#),
        (r#"Replace([text:a1b2], , "[a-z](?'digit'\\d)", "digit", "$0")"#, r#""a$0b$0""#),
        (r#"Replace([text:a1b2], , "([a-z])\\d", "1", "x")"#, r#""x1x2""#),
        (r#"Replace([none], , "(?<a>x)", "a", "y")"#, "null"),
        (r#"Replace([name], , "(?<a>x)", [text:b], "y")"#, "failed invalid_value"),
    ]);
}

#[test]
fn a_source_without_a_value_becomes_a_group_of_another_attribute() {
    let phone = |source: &str| {
        format!(r#"Replace({source}, , "\\+(?<isdCode>\\d* )(?<phoneNumber>\\d{{10}})", "phoneNumber" , , [text:+91 8887779999], )"#)
    };
    check(&[
        (&phone("[empty]"), r#""8887779999""#),
        (&phone("[none]"), r#""8887779999""#),
        (&phone("[text:+91 1112223333]"), r#""+91 1112223333""#),
        (r#"Replace([none], , "(?<a>x)", "a", , [name])"#, "null"),
        (r#"Replace([none], , "(?<a>x)", "a", , [none])"#, "null"),
    ]);
}

#[test]
fn what_no_way_covers_is_refused() {
    let refused = "refused arguments: Replace: besides `source` it takes `oldValue` and `replacementValue`; `oldValue` and `template`; \
        `regexPattern` and `replacementValue`, also with `regexGroupName`; or `regexPattern`, `regexGroupName` and `replacementAttributeName`";
    check(&[
        ("Replace([name])", refused),
        (r#"Replace([name], "a")"#, refused),
        (r#"Replace([name], "a", "b", , "c")"#, refused),
        (r#"Replace([name], , "b", , , [name])"#, refused),
        (r#"Replace([name], "", , , "c")"#, refused),
        (r#"Replace([name], , "(?<a>x)", "b", "y")"#, "refused constant: Replace: `regexGroupName` names no group of the pattern"),
        (r#"Replace([name], , "a(b", , "y")"#, "refused pattern: Replace: at character 2 of the pattern: this bracket is not closed"),
        (r#"Replace([name], , [text:a(b], , "y")"#, "failed invalid_value"),
        (r#"Replace([text:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa], , "(x?)(a+\\1)+b", , "y")"#, "failed invalid_value"),
    ]);
}
