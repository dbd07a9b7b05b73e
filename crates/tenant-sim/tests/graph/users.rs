//! Users: the returned properties, the writable properties, and look-ups.

use reqwest::Method;
use serde_json::{Value as Json, json};
use xtsync_tenant_sim::anchor_property;

use crate::world::{World, link, new_user, text};

fn names(object: &Json) -> Vec<&str> {
    let names = object.as_object().unwrap().keys().map(String::as_str);
    names.filter(|name| !name.contains('@')).collect()
}

#[tokio::test]
async fn a_get_shows_the_default_properties_and_select_the_rest() {
    let world = World::small().await;
    let (emea, hub) = (world.graph("emea").await, world.graph("hub").await);
    let id = hub.create_user("ana").await;
    let default = [
        "businessPhones",
        "displayName",
        "givenName",
        "id",
        "jobTitle",
        "mail",
        "mobilePhone",
        "officeLocation",
        "preferredLanguage",
        "surname",
        "userPrincipalName",
    ];
    assert_eq!(names(&hub.get(&format!("/users/{id}")).await.ok()), default);
    assert_eq!(names(&emea.get("/users?$top=1").await.ok()["value"][0]), default);
    let select = "accountEnabled,userType,department,creationType,externalUserState";
    let shown = hub.get(&format!("/users/ana@hub.example?$select={select}")).await.ok();
    assert_eq!((&shown["accountEnabled"], &shown["userType"], &shown["department"]), (&json!(true), &json!("Member"), &Json::Null));
    assert_eq!(names(&hub.get("/users?$select=displayName").await.ok()["value"][0]), ["displayName"], "only the selected property");
    let unknown = hub.get("/users?$select=shoeSize").await;
    assert_eq!((unknown.status, unknown.code()), (400, "Request_BadRequest"));
    assert_eq!(unknown.message(), "Could not find a property named 'shoeSize' on type 'microsoft.graph.user'.");
}

#[tokio::test]
async fn a_list_is_paged_counted_and_limited() {
    let world = World::small().await;
    let emea = world.graph("emea").await;
    let mut ids = emea.ids("/users?$top=50&$select=id").await;
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 120);
    assert_eq!(emea.ids("/users?$top=999&$filter=userType eq 'Guest'").await.len(), 2);
    let eventual = [("ConsistencyLevel", "eventual")];
    for (path, headers, status, code) in [
        ("/users/$count", &eventual[..], 200, ""),
        ("/users/$count", &[][..], 400, "Request_UnsupportedQuery"),
        ("/users?$top=1000", &[], 400, "Request_BadRequest"),
        ("/users?$top=0", &[], 400, "Request_BadRequest"),
        ("/users?$skiptoken=forged", &[], 400, "Directory_ExpiredPageToken"),
        ("/users?$orderby=mail", &[], 400, "Request_UnsupportedQuery"),
        ("/users?$filter=department ne 'Sales'", &[], 400, "Request_UnsupportedQuery"),
        ("/users?$filter=department ne 'Sales'&$count=true", &eventual, 200, ""),
        ("/users?$filter=not(accountEnabled eq true)&$count=true", &eventual, 200, ""),
        ("/shoes", &[], 400, "BadRequest"),
        ("/users/ana/shoes", &[], 400, "BadRequest"),
        ("/users/unknown@emea.example", &[], 404, "Request_ResourceNotFound"),
    ] {
        let answer = emea.send(Method::GET, path, headers, None).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{path}");
    }
    let counted = emea.send(Method::GET, "/users/$count", &eventual, None).await;
    assert_eq!(counted.body, json!(120));
    let page = emea.send(Method::GET, "/users?$top=1&$count=true&$filter=accountEnabled eq false", &eventual, None).await.ok();
    assert_eq!((&page["@odata.count"], page["value"].as_array().unwrap().len()), (&json!(1), 1));
    assert!(emea.get("/users?$top=1&$count=true").await.ok()["@odata.count"].is_null());
}

#[tokio::test]
async fn a_user_is_created_with_what_graph_requires() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    assert_eq!(hub.post("/users", new_user("ana", "hub.example")).await.status, 201);
    let without = |name: &str| {
        let mut body = new_user("eva", "hub.example");
        body.as_object_mut().unwrap().remove(name);
        body
    };
    let with = |name: &str, value: Json| {
        let mut body = new_user("eva", "hub.example");
        body[name] = value;
        body
    };
    for (body, message) in [
        (without("displayName"), "A value is required for property 'displayName' of resource 'User'."),
        (without("passwordProfile"), "A value is required for property 'passwordProfile' of resource 'User'."),
        (
            with("userPrincipalName", json!("ana@hub.example")),
            "Another object with the same value for property userPrincipalName already exists.",
        ),
        (with("userPrincipalName", json!("eva@elsewhere.example")), "Property userPrincipalName is invalid."),
        (with("mail", json!("ANA@hub.example")), "Another object with the same value for property proxyAddresses already exists."),
        (with("accountEnabled", json!("yes")), "Invalid value specified for property 'accountEnabled' of resource 'user'."),
        (with("shoeSize", json!(42)), "Could not find a property named 'shoeSize' on type 'microsoft.graph.user'."),
        (with("creationType", json!("Invitation")), "Property 'creationType' is read-only and cannot be set."),
    ] {
        let answer = hub.post("/users", body).await;
        assert_eq!((answer.status, answer.message()), (400, message));
    }
    assert_eq!(world.sim.journal_len("hub"), 1, "a refused request writes nothing");
}

#[tokio::test]
async fn a_patch_sets_clears_and_refuses() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let path = format!("/users/{}", hub.create_user("ana").await);
    for (body, status) in [
        (json!({"department": "Sales", "employeeId": "7"}), 204),
        (json!({"department": null}), 204),
        (json!({"employeeOrgData": {"costCenter": "100"}, "employeeHireDate": "2024-03-01T00:00:00Z"}), 204),
        (json!({"displayName": null}), 400),
        (json!({"usageLocation": null}), 400),
        (json!({"id": "x"}), 400),
        (json!({"userType": "Alien"}), 400),
        (json!({"proxyAddresses": ["SMTP:x@y"]}), 400),
        (json!({"extension_00000000000000000000000000000000_unknown": "x"}), 400),
        (json!({"otherMails": "not a list"}), 400),
        (json!({"department": "Legal", "shoeSize": 42}), 400),
        (json!({"mail": "ana.new@hub.example"}), 204),
    ] {
        assert_eq!(hub.patch(&path, body.clone()).await.status, status, "{body}");
    }
    let user = hub.get(&format!("{path}?$select=department,employeeId,mail,proxyAddresses,employeeHireDate")).await.ok();
    assert_eq!((&user["department"], &user["employeeId"]), (&Json::Null, &json!("7")));
    assert_eq!(user["proxyAddresses"], json!(["SMTP:ana.new@hub.example", "smtp:ana@hub.example"]), "mail rewrites the proxy addresses");
    assert_eq!(user["employeeHireDate"], "2024-03-01T00:00:00Z");
    assert_eq!(hub.patch("/users/unknown@hub.example", json!({})).await.status, 404);
    assert_eq!(hub.send(Method::PATCH, &path, &[], None).await.status, 400);
}

#[tokio::test]
async fn the_anchor_is_registered_set_found_and_cleared() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let registered = hub.post("/directoryObjects/getAvailableExtensionProperties", json!({})).await.ok();
    assert_eq!((&registered["value"][0]["name"], &registered["value"][0]["targetObjects"]), (&json!(anchor_property()), &json!(["User"])));
    let (id, anchor) = (hub.create_user("ana").await, anchor_property());
    let filter = format!("/users?$filter={anchor} eq 'home/ana'&$select=id,{anchor}");
    assert_eq!(hub.patch(&format!("/users/{id}"), json!({&anchor: "home/ana"})).await.status, 204);
    assert_eq!(hub.get(&filter).await.ok()["value"], json!([{"id": id, &anchor: "home/ana"}]));
    assert_eq!(world.sim.journal().since(0).last().unwrap().anchor.as_deref(), Some("home/ana"));
    assert_eq!(hub.patch(&format!("/users/{id}"), json!({&anchor: null})).await.status, 204);
    assert_eq!(hub.get(&filter).await.ok()["value"], json!([]));
}

#[tokio::test]
async fn extensions_of_all_types_are_listed_set_cleared_and_refused() {
    let world = World::small().await;
    let (tenant, hub) = (world.sim.tenant("hub").unwrap(), world.graph("hub").await);
    let name = |own: &str| format!("extension_0123456789abcdef0123456789abcdef_{own}");
    for (own, data_type, several) in [
        ("cost", "String", false),
        ("skills", "String", true),
        ("vip", "Boolean", false),
        ("level", "Integer", false),
        ("badge", "LargeInteger", false),
        ("since", "DateTime", false),
        ("levels", "Integer", true),
    ] {
        tenant.register_typed_extension(&name(own), data_type, several).unwrap();
    }
    assert!(tenant.register_typed_extension(&name("shape"), "Polygon", false).is_err());
    let listed = hub.post("/directoryObjects/getAvailableExtensionProperties", json!({})).await.ok();
    let listed = listed["value"].as_array().unwrap().iter().find(|listed| listed["name"] == *name("skills")).unwrap();
    assert_eq!((&listed["dataType"], &listed["isMultiValued"]), (&json!("String"), &json!(true)));
    let path = format!("/users/{}", hub.create_user("ana").await);
    for (own, value, status) in [
        ("cost", json!("4711"), 204),
        ("cost", json!(4711), 400),
        ("cost", json!("x".repeat(257)), 400),
        ("skills", json!(["rust", "sql"]), 204),
        ("skills", json!("rust"), 400),
        ("skills", json!(["x".repeat(257)]), 400),
        ("vip", json!(true), 204),
        ("vip", json!("true"), 400),
        ("level", json!(7), 204),
        ("level", json!("7"), 400),
        ("level", json!(3_000_000_000_u64), 400),
        ("badge", json!(3_000_000_000_u64), 204),
        ("since", json!("2024-03-01T00:00:00Z"), 204),
        ("since", json!("yesterday"), 400),
        ("levels", json!([1, 2]), 204),
        ("levels", json!({"a": 1}), 400),
        ("unknown", json!("x"), 400),
    ] {
        let answer = hub.patch(&path, json!({name(own): value})).await;
        assert_eq!(answer.status, status, "{own} {value}");
        if status == 400 {
            assert_eq!(answer.code(), "Request_BadRequest", "{own} {value}");
        }
    }
    let select = ["cost", "skills", "vip", "level", "badge", "since", "levels"].map(name).join(",");
    let user = hub.get(&format!("{path}?$select={select}")).await.ok();
    assert_eq!((&user[name("skills")], &user[name("level")]), (&json!(["rust", "sql"]), &json!(7)));
    assert_eq!((&user[name("badge")], &user[name("vip")]), (&json!(3_000_000_000_u64), &json!(true)));
    assert_eq!((&user[name("since")], &user[name("levels")]), (&json!("2024-03-01T00:00:00Z"), &json!([1, 2])));
    assert_eq!(hub.patch(&path, json!({name("skills"): null, name("level"): null})).await.status, 204);
    let user = hub.get(&format!("{path}?$select={select}")).await.ok();
    assert_eq!((&user[name("skills")], &user[name("level")], &user[name("cost")]), (&Json::Null, &Json::Null, &json!("4711")));
    assert_eq!(hub.get(&format!("{path}?$select={}", name("unknown"))).await.status, 400);
}

#[tokio::test]
async fn the_manager_is_a_reference() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let (ana, boss) = (hub.create_user("ana").await, hub.create_user("boss").await);
    let manager = format!("/users/{ana}/manager");
    assert_eq!(hub.get(&manager).await.status, 404);
    assert_eq!(hub.put(&format!("{manager}/$ref"), link("00000000-0000-0000-0000-000000000000")).await.status, 404);
    assert_eq!(hub.put(&format!("{manager}/$ref"), link(&boss)).await.status, 204);
    assert_eq!(hub.get(&manager).await.ok()["id"], *boss);
    let expanded = hub.get(&format!("/users/{ana}?$select=id&$expand=manager($select=id)")).await.ok();
    assert_eq!(expanded["manager"]["id"], *boss);
    assert_eq!(hub.delete(&format!("/users/{boss}")).await.status, 204);
    assert_eq!(hub.get(&manager).await.status, 404, "a soft-deleted manager is not returned");
    assert_eq!(hub.delete(&format!("{manager}/$ref")).await.status, 404);
}

#[tokio::test]
async fn lengths_are_limited_one_phone_is_kept_and_an_address_of_another_object_is_named() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let (ana, bo) = (hub.create_user("ana").await, hub.create_user("bo").await);
    let path = format!("/users/{ana}");
    for (name, value, status) in [
        ("department", json!("ä".repeat(64)), 204),
        ("department", json!("ä".repeat(65)), 400),
        ("displayName", json!("x".repeat(257)), 400),
        ("employeeId", json!("x".repeat(17)), 400),
        ("usageLocation", json!("DEU"), 400),
        (&anchor_property(), json!("x".repeat(257)), 400),
        ("businessPhones", json!(["+49 1"]), 204),
        ("businessPhones", json!(["+49 1", "+49 2"]), 400),
    ] {
        let answer = hub.patch(&path, json!({name: value})).await;
        let message = format!("Invalid value specified for property '{name}' of resource 'user'.");
        assert_eq!((answer.status, answer.message()), (status, if status == 400 { message.as_str() } else { "" }), "{name}");
    }
    let taken = hub.patch(&format!("/users/{bo}"), json!({"mail": "ana@hub.example"})).await;
    assert_eq!((taken.status, taken.code()), (400, "Request_BadRequest"));
    let detail = &taken.body["error"]["details"][0];
    assert_eq!((&detail["code"], &detail["target"]), (&json!("ObjectConflict"), &json!("proxyAddresses")));
}

#[tokio::test]
async fn sessions_are_revoked() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let path = format!("/users/{}", hub.create_user("ana").await);
    assert_eq!(hub.post(&format!("{path}/revokeSignInSessions"), json!({})).await.ok()["value"], true);
    assert!(hub.get(&format!("{path}?$select=signInSessionsValidFromDateTime")).await.ok()["signInSessionsValidFromDateTime"].is_string());
    assert_eq!(text(&json!(world.sim.journal().since(1)[0].verb)), "revoke");
}

#[tokio::test]
async fn names_with_special_characters_are_found_when_escaped() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let body = json!({"invitedUserEmailAddress": "sean.o'brien@emea.example", "inviteRedirectUrl": "https://x"});
    let id = text(&hub.post("/invitations", body).await.ok()["invitedUser"]["id"]);
    for path in [
        "/users/sean.o'brien_emea.example%23EXT%23@hub.onmicrosoft.example",
        "/users/sean.o%27brien_emea.example%23ext%23%40hub.onmicrosoft.example",
    ] {
        assert_eq!(hub.get(path).await.ok()["id"], *id);
    }
    let found = hub.get("/users?$filter=mail%20eq%20%27sean.o%27%27brien%40emea.example%27").await.ok();
    assert_eq!(found["value"][0]["id"], *id);
}
