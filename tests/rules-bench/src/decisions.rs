//! `policy_decisions_per_s_core`: whole decisions, from a delta in memory.

use std::sync::Arc;

use xtsync_domain::address::{Home, HomeDomains};
use xtsync_domain::configuration::{Configuration, needs};
use xtsync_domain::decide::{CompiledRules, Decided, decide};
use xtsync_domain::delta::UserDelta;
use xtsync_domain::resource::{Id, Kind, Resource, Spec};

use crate::timing::alone;
use crate::user::delta;
use crate::{Goal, Measured};

/// Resources: kind, tenant, name and spec.
const RESOURCES: [(Kind, Option<&str>, &str, &str); 5] = [
    (Kind::Organization, None, "contoso", r#"{"tenants":["emea","hub"]}"#),
    (Kind::Tenant, Some("emea"), "emea", r#"{"organization":"contoso","graph":{}}"#),
    (Kind::Tenant, Some("hub"), "hub", r#"{"organization":"contoso","graph":{}}"#),
    (Kind::CrossTenantAccessPolicy, Some("hub"), "policy", r#"{"partners":{"emea":{"keeps":["displayName"]}}}"#),
    (
        Kind::Synchronization,
        Some("emea"),
        "to-hub",
        r#"{"to":"hub","scope":{"groups":[{"id":"7c1e5a2b-0000-4000-8000-000000000001"}],
            "where":"accountEnabled IS TRUE AND country NOT EQUALS \"ES\" AND userPrincipalName ENDS_WITH \"@emea.example\""},
            "mappings":{"displayName":{"expression":"Join(\", \", [surname], [givenName])"},
            "companyName":{"expression":"Append([userPrincipalName], \".test\")"},
            "officeLocation":{"expression":"Switch([state], \"Australia/Sydney\", \"NSW\", \"Australia/Sydney\", \"QLD\", \"Australia/Brisbane\")"}}}"#,
    ),
];

/// Rules and a delta to decide by them.
#[derive(Debug)]
pub struct Decisions {
    rules: CompiledRules,
    delta: UserDelta,
    home: Home,
}

impl Decisions {
    /// The synchronization and the user that are measured.
    #[must_use]
    pub fn new() -> Self {
        let resource = |(kind, tenant, name, json): &(Kind, Option<&str>, &str, &str)| Resource {
            id: Id { kind: *kind, tenant: tenant.map(|tenant| tenant.parse().expect("a name")), name: (*name).to_owned() },
            revision: 1,
            spec: Spec::from_json(*kind, json.as_bytes()).expect("a spec"),
        };
        let mut resources: Vec<Resource> = RESOURCES.iter().map(resource).collect();
        let source = "emea".parse().expect("a name");
        let need = needs::needs(&Configuration::new(1, resources.iter().cloned()), &source);
        resources.push(Resource { id: needs::id(&source), revision: 1, spec: Spec::Projection(need) });
        let rules = CompiledRules::compile(Arc::new(Configuration::new(1, resources)));
        Self { rules, delta: delta(), home: Home { domains: Some(HomeDomains::new(["emea.example"])), facts: 1 } }
    }

    /// One decision.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn decide(&self) -> Decided {
        let synchronization = self.rules.configuration().synchronizations().next().expect("one synchronization");
        decide(&self.delta, synchronization, &self.rules, &self.home).expect("it is decided")
    }
}

impl Default for Decisions {
    fn default() -> Self {
        Self::new()
    }
}

pub(crate) fn measure() -> Vec<Measured> {
    let decisions = Decisions::new();
    assert_eq!(decisions.decide().decision.desired.wanted.reason(), "in_scope");
    vec![Measured {
        name: "policy_decisions_per_s_core",
        value: alone(|| decisions.decide()),
        unit: "decisions/s",
        against: None,
        goal: Some(Goal::AtLeast(500_000.0)),
        conditions: "access policy, a filter of three clauses, the default set with three expressions; no bus".to_owned(),
    }]
}
