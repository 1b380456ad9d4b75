//! A tenant: clients, profiles, prompts and calls on demand, from a TOML file or the demo that is built in.

use crate::{
    agents,
    bots::{Configured, read_bots},
    interactions::PastInteraction,
    prompts::Prompts,
    secrets::HOUSE,
};
use flow::task::{Policy, Roster};
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::Path,
    sync::Arc,
    time::Duration,
};
use wire::{
    Faults,
    calls::PlaceCall,
    fault::Object,
    ids::{AgentId, CallId, ClientId, ExternalId, FlowId, InteractionId, PromptId, TransferTarget},
    oauth::Scopes,
    profile::Profile,
};

/// Largest tenant file, in bytes.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

#[derive(rust_embed::RustEmbed)]
#[folder = "../../demo"]
#[include = "tenant.toml"]
#[include = "bot.toml"]
#[include = "prompts/*.wav"]
#[include = "prompts/*.mp3"]
struct Demo;

/// An OAuth client.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// Made up at the start when the file has none.
    pub(crate) secret: Option<SecretString>,
    pub(crate) scopes: Scopes,
    pub(crate) token_lifetime: Duration,
}

impl Client {
    /// The client of the process that the center runs in.
    pub(crate) fn of_house() -> Self {
        Self {
            secret: None,
            scopes: Scopes::all(),
            token_lifetime: Duration::from_secs(86_400),
        }
    }
}

/// What the center says by itself, by prompt id.
#[derive(Debug, Clone)]
pub(crate) struct Announcements {
    pub(crate) apology: PromptId,
    pub(crate) operator: TransferTarget,
    pub(crate) operator_greeting: PromptId,
    pub(crate) agent_greeting: PromptId,
}

/// All that a center serves. It can't be wrong: every prompt that it names is there.
#[derive(Debug)]
pub struct Tenant {
    pub(crate) name: String,
    pub(crate) clients: HashMap<ClientId, Client>,
    /// The client whose lines are printed at the start.
    pub(crate) first_client: ClientId,
    pub(crate) profiles: HashMap<ExternalId, Profile>,
    pub(crate) calls: HashMap<CallId, PlaceCall>,
    pub(crate) interactions: HashMap<InteractionId, PastInteraction>,
    /// The flows whose nodes compiled prompts serve.
    pub(crate) flows: BTreeSet<FlowId>,
    pub(crate) announcements: Announcements,
    /// Who answers in conversations, by the bot's id.
    pub(crate) bots: HashMap<String, Configured>,
    /// Whether the audit log gets what is said in conversations without e-mail addresses and telephone numbers.
    pub(crate) masks_personal: bool,
    pub(crate) prompts: Prompts,
    /// After these, keys are secret.
    pub(crate) sensitive_prompts: Vec<PromptId>,
    pub(crate) roster: Arc<Roster>,
    /// How long tasks may take.
    pub(crate) task_policy: Policy,
}

/// Why a tenant could not be loaded: all faults of its files.
#[derive(Debug, thiserror::Error)]
#[error("the tenant {source_name} has faults:\n  {}", .faults.as_slice().join("\n  "))]
pub struct TenantError {
    /// The file, or "demo".
    pub source_name: String,
    /// Every fault.
    pub faults: Faults,
}

impl Tenant {
    /// The demo tenant (contract section 10).
    pub fn demo() -> Result<Self, TenantError> {
        let prompts = |_: &str| {
            let files = Demo::iter().filter_map(|path| {
                let name = path.strip_prefix("prompts/")?.to_owned();
                Some((name, Demo::get(&path)?.data))
            });
            Prompts::from_files(files)
        };
        let parsed = demo_text("tenant.toml").map_err(Faults::one);
        let parsed = parsed.and_then(|text| Self::parse(&text, prompts, &demo_text));
        parsed.map_err(|faults| TenantError {
            source_name: "demo".into(),
            faults,
        })
    }

    /// A tenant file and the prompts folder it names, which is relative to the file.
    pub fn load(file: &Path) -> Result<Self, TenantError> {
        let error = |faults| TenantError {
            source_name: file.display().to_string(),
            faults,
        };
        let text = read_bounded(file).map_err(|reason| error(Faults::one(reason)))?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let prompts = |prompts: &str| Prompts::read_folder(&folder.join(prompts));
        Self::parse(&text, prompts, &|file| read_bounded(&folder.join(file))).map_err(error)
    }

    /// The ids of its prompts, sorted.
    pub fn prompt_ids(&self) -> impl Iterator<Item = &PromptId> {
        self.prompts.ids()
    }

    /// The ids of its bots, sorted.
    pub fn bot_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.bots.keys().cloned().collect();
        ids.sort_unstable();
        ids
    }

    /// Its prompts as a caller hears them: samples at 8000 Hz, by way of mu-law.
    pub fn prompt_sounds(&self) -> impl Iterator<Item = (PromptId, Vec<f32>)> {
        let ids: Vec<PromptId> = self.prompts.ids().cloned().collect();
        ids.into_iter()
            .filter_map(|id| Some((id.clone(), self.prompts.get(&id)?.decoded(audio::Law::Mu))))
    }

    /// The flow that a call belongs to: the one that it names; otherwise the only one that there is.
    pub(crate) fn flow_of(&self, named: Option<&FlowId>) -> Result<Option<FlowId>, Faults> {
        match named {
            Some(unknown) if !self.flows.contains(unknown) => {
                Err(Faults::one(format!("flow: there is no flow {unknown:?}")))
            }
            Some(flow) => Ok(Some(flow.clone())),
            None if self.flows.len() == 1 => Ok(self.flows.first().cloned()),
            None => Ok(None),
        }
    }

    /// The agents who lead calls by turns: those who are active.
    pub(crate) fn active_agents(&self) -> Vec<AgentId> {
        let agents = self.roster.all().iter();
        let active = agents.filter(|agent| agent.active);
        active.map(|agent| agent.id.clone()).collect()
    }

    fn parse(
        text: &str,
        read_prompts: impl FnOnce(&str) -> Result<Prompts, Faults>,
        read_file: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Self, Faults> {
        let table: toml::Table = toml::from_str(text).map_err(|error| Faults::one(error.to_string()))?;
        let value = serde_json::to_value(table).map_err(|error| Faults::one(error.to_string()))?;
        let mut faults = Faults::new();
        let tenant = Object::top(&value, &mut faults)
            .and_then(|file| Self::read(&file, read_prompts, read_file, &mut faults));
        faults.finish(tenant)
    }

    fn read(
        file: &Object<'_>,
        read_prompts: impl FnOnce(&str) -> Result<Prompts, Faults>,
        read_file: &dyn Fn(&str) -> Result<String, String>,
        faults: &mut Faults,
    ) -> Option<Self> {
        file.only(
            &[
                "name",
                "prompts",
                "sensitivePrompts",
                "client",
                "announcements",
                "profile",
                "call",
                "agent",
                "tasks",
                "interaction",
                "flow",
                "bot",
                "conversations",
            ],
            faults,
        );
        let name = file.optional_text("name", faults).unwrap_or("unnamed").to_owned();
        let prompts = match read_prompts(file.optional_text("prompts", faults).unwrap_or("prompts")) {
            Ok(prompts) => prompts,
            Err(more) => {
                more.into_vec().into_iter().for_each(|fault| faults.push(fault));
                Prompts::default()
            }
        };
        let sensitive_prompts = read_sensitive_prompts(file, &prompts, faults);
        let clients = each(file, "client", faults, read_client);
        let profiles = each(file, "profile", faults, read_profile);
        let flows = read_flows(file, faults);
        let calls = each(file, "call", faults, |call, faults| {
            call.only(
                &[
                    "id",
                    "ani",
                    "dnis",
                    "externalId",
                    "codec",
                    "record",
                    "script",
                    "agentId",
                    "form",
                    "flow",
                ],
                faults,
            );
            let placed = PlaceCall::read(call, faults)?;
            if let Some(unknown) = placed.flow.as_ref().filter(|flow| !flows.contains(flow)) {
                faults.push(format!("{}: there is no flow {unknown:?}", call.name("flow")));
            }
            match placed.id.clone() {
                Some(id) => Some((id, placed)),
                None => {
                    faults.push(format!("{} is missing", call.name("id")));
                    None
                }
            }
        });
        let interactions = each(file, "interaction", faults, PastInteraction::read);
        if clients.is_empty() && faults.is_empty() {
            faults.push("there must be at least one [[client]]");
        }
        let announcements = read_announcements(file, &prompts, faults);
        let roster = agents::read_roster(file, faults);
        let task_policy = agents::read_policy(file, faults);
        let bots = read_bots(file, read_file, faults);
        let masks_personal = read_masks_personal(file, faults);
        let first_client = clients.first()?.0.clone();
        Some(Self {
            name,
            first_client,
            clients: unique(clients, "client.id", faults),
            profiles: unique(profiles, "profile.externalId", faults),
            calls: unique(calls, "call.id", faults),
            interactions: unique(interactions, "interaction.id", faults),
            flows,
            announcements: announcements?,
            bots,
            masks_personal,
            prompts,
            sensitive_prompts,
            roster: Arc::new(roster),
            task_policy,
        })
    }
}

/// `[conversations]`: personal data are masked unless that is switched off.
fn read_masks_personal(file: &Object<'_>, faults: &mut Faults) -> bool {
    let table = file.get("conversations");
    let table = table.and_then(|table| Object::at(table, "conversations", faults));
    let masks = table.and_then(|table| {
        table.only(&["maskPersonal"], faults);
        table.optional_bool("maskPersonal", faults)
    });
    masks.unwrap_or(true)
}

fn read_sensitive_prompts(file: &Object<'_>, prompts: &Prompts, faults: &mut Faults) -> Vec<PromptId> {
    let written = file.optional_list("sensitivePrompts", faults).unwrap_or_default();
    let mut read = |(at, written): (usize, &Value)| {
        let name = format!("sensitivePrompts[{at}]");
        let text = faults.keep(written.as_str().ok_or(format!("{name} must be a text")))?;
        let id: PromptId = faults.keep(text.parse().map_err(|error| format!("{name} {error}")))?;
        if prompts.get(&id).is_none() {
            faults.push(format!("{name}: there is no prompt {id:?}"));
        }
        Some(id)
    };
    written.iter().enumerate().filter_map(&mut read).collect()
}

/// `[[flow]]`: what prompts can be compiled for.
fn read_flows(file: &Object<'_>, faults: &mut Faults) -> BTreeSet<FlowId> {
    let read = each(file, "flow", faults, |flow, faults| {
        flow.only(&["id"], faults);
        flow.parsed("id", faults)
    });
    let mut flows = BTreeSet::new();
    for id in read {
        if flows.contains(&id) {
            faults.push(format!("flow.id {id} is used twice"));
        }
        flows.insert(id);
    }
    flows
}

fn demo_text(file: &str) -> Result<String, String> {
    let found = Demo::get(file).ok_or_else(|| format!("the demo has no file {file:?}"))?;
    Ok(String::from_utf8_lossy(&found.data).into_owned())
}

fn read_bounded(file: &Path) -> Result<String, String> {
    let size = fs::metadata(file)
        .map_err(|error| format!("it can't be read: {error}"))?
        .len();
    if size > MAX_FILE_BYTES {
        return Err(format!("it must be at most {MAX_FILE_BYTES} bytes, not {size}"));
    }
    fs::read_to_string(file).map_err(|error| format!("it can't be read: {error}"))
}

/// Reads each item of a list of tables.
pub(crate) fn each<T>(
    file: &Object<'_>,
    field: &str,
    faults: &mut Faults,
    mut read: impl FnMut(&Object<'_>, &mut Faults) -> Option<T>,
) -> Vec<T> {
    let items = file.optional_list(field, faults).unwrap_or_default();
    let read =
        |(at, item): (usize, &Value)| read(&Object::at(item, &format!("{field}[{at}]"), faults)?, faults);
    items.iter().enumerate().filter_map(read).collect()
}

fn unique<K: Eq + std::hash::Hash + std::fmt::Display, V>(
    items: Vec<(K, V)>,
    what: &str,
    faults: &mut Faults,
) -> HashMap<K, V> {
    let mut map = HashMap::new();
    for (key, value) in items {
        if map.contains_key(&key) {
            faults.push(format!("{what} {key} is used twice"));
        }
        map.insert(key, value);
    }
    map
}

fn read_client(client: &Object<'_>, faults: &mut Faults) -> Option<(ClientId, Client)> {
    client.only(&["id", "secret", "scopes", "tokenLifetimeS"], faults);
    let id: Option<ClientId> = client.parsed("id", faults);
    if id.as_ref().is_some_and(|id| id.as_str() == HOUSE) {
        let name = client.name("id");
        faults.push(format!("{name} {HOUSE} is the center's own; choose another"));
    }
    let secret = client.optional_text("secret", faults);
    if secret.is_some_and(|secret| secret.len() < 12) {
        faults.push(format!(
            "{} must have at least 12 characters",
            client.name("secret")
        ));
    }
    let scopes = match client.text("scopes", faults) {
        Some("all") => Some(Scopes::all()),
        Some(text) => faults.keep(
            text.parse()
                .map_err(|error| format!("{}: {error}", client.name("scopes"))),
        ),
        None => None,
    };
    let lifetime_s = client
        .optional_whole("tokenLifetimeS", 1..=86_400, faults)
        .unwrap_or(86_400);
    let token_lifetime = Duration::from_secs(lifetime_s);
    let secret = secret.map(|secret| SecretString::from(secret.to_owned()));
    Some((
        id?,
        Client {
            secret,
            scopes: scopes?,
            token_lifetime,
        },
    ))
}

fn read_profile(profile: &Object<'_>, faults: &mut Faults) -> Option<(ExternalId, Profile)> {
    profile.only(&["id", "externalId", "attributes", "dateModified"], faults);
    let id = profile.text("id", faults);
    let external_id: Option<ExternalId> = profile.parsed("externalId", faults);
    let date_modified = profile.parsed("dateModified", faults);
    let attributes = match profile.get("attributes") {
        None => Map::new(),
        Some(Value::Object(attributes)) => attributes.clone(),
        Some(_) => {
            faults.push(format!("{} must be a table", profile.name("attributes")));
            return None;
        }
    };
    let external_id = external_id?;
    let profile = Profile {
        id: id?.to_owned(),
        external_id: external_id.clone(),
        attributes,
        date_modified: date_modified?,
    };
    Some((external_id, profile))
}

fn read_announcements(file: &Object<'_>, prompts: &Prompts, faults: &mut Faults) -> Option<Announcements> {
    let Some(table) = file.get("announcements") else {
        faults.push("[announcements] is missing");
        return None;
    };
    let table = Object::at(table, "announcements", faults)?;
    table.only(
        &["apology", "operator", "operatorGreeting", "agentGreeting"],
        faults,
    );
    let prompt = |field: &str, faults: &mut Faults| {
        let id: PromptId = table.parsed(field, faults)?;
        if prompts.get(&id).is_none() {
            faults.push(format!("{}: there is no prompt {id:?}", table.name(field)));
        }
        Some(id)
    };
    let apology = prompt("apology", faults);
    let operator_greeting = prompt("operatorGreeting", faults);
    let agent_greeting = prompt("agentGreeting", faults);
    let operator = table.parsed("operator", faults);
    Some(Announcements {
        apology: apology?,
        operator: operator?,
        operator_greeting: operator_greeting?,
        agent_greeting: agent_greeting?,
    })
}

#[cfg(test)]
impl Tenant {
    /// One client, one call on demand, and one prompt for everything: loaded in no time.
    pub(crate) fn small() -> Self {
        const TEXT: &str = r#"
            [[client]]
            id = "alice"
            scopes = "all"
            [announcements]
            apology = "invalid"
            operator = "ext:operator"
            operatorGreeting = "invalid"
            agentGreeting = "invalid"
            [[call]]
            id = "on-demand"
            ani = "+1555"
            dnis = "+1800"
        "#;
        let invalid = Demo::get("prompts/invalid.wav").unwrap().data;
        let prompts = |_: &str| Prompts::from_files([("invalid.wav".into(), invalid)]);
        Self::parse(TEXT, prompts, &demo_text).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::oauth::Scope;

    #[test]
    fn the_demo_tenant_has_what_the_contract_names() {
        let demo = Tenant::demo().unwrap();
        for prompt in [
            "prompt-main-menu-en",
            "general_welcome",
            "general_support",
            "general_operator",
            "premium_priority",
            "ticket_status",
            "confirmed",
            "selection_confirmed",
            "invalid",
            "invalid_selection",
        ] {
            assert!(demo.prompts.get(&prompt.parse().unwrap()).is_some(), "{prompt}");
            for ending in ["wav", "mp3"] {
                assert!(
                    demo.prompts.file(&format!("{prompt}.{ending}")).is_some(),
                    "{prompt}.{ending}"
                );
            }
        }
        assert_eq!(demo.clients[&demo.first_client].scopes, Scopes::all());
        let premium = &demo.profiles[&"CRM-USER-98765".parse().unwrap()];
        assert_eq!(premium.attributes["open_tickets"], 2);
        assert!(demo.calls.contains_key(&"call-12345-abcde".parse().unwrap()));
        assert!(demo.bots.contains_key("your-bot-instance-id"));
        let is_active = |agent: &str| demo.roster.get(&agent.parse().unwrap()).map(|agent| agent.active);
        assert_eq!(
            ["agent-1", "agent-2", "agent-9"].map(is_active),
            [Some(true), Some(true), Some(false)]
        );
        let scores = (1001..=1006).map(|number| {
            let interaction = &demo.interactions[&format!("int-{number}").parse().unwrap()];
            let score = interaction.responses.as_ref()?.first()?.value.as_str()?;
            score.parse::<u8>().ok()
        });
        assert_eq!(
            scores.collect::<Vec<_>>(),
            [Some(1), Some(2), Some(3), Some(4), Some(5), None]
        );
        assert!(
            demo.clients
                .values()
                .all(|client| client.scopes.contains(Scope::ProfileRead))
        );
    }

    #[test]
    fn a_faulty_tenant_names_every_fault() {
        let text = r#"
            sensitivePrompts = ["enter_pin", 7]
            [[client]]
            id = "a"
            secret = "short"
            scopes = "fly"
            scope = "all"
            [[client]]
            id = "trunkline-house"
            scopes = "all"
            [[profile]]
            externalId = 7
            dateModified = "yesterday"
            [[call]]
            ani = "+1"
            [[interaction]]
            id = "int-1"
            responses = [{ value = "2" }]
            [announcements]
            apology = "nothing"
            [tasks]
            acceptWithinS = 0
            firstResponseS = { Urgent = 1, High = "soon" }
            [[agent]]
            id = "a/b"
            active = "yes"
            team = "a\tb"
            skills = [1]
            [[agent]]
            id = "a-1"
            [[agent]]
            id = "a-1"
            teams = []
            [[bot]]
            id = "b"
            file = "no-bot.toml"
        "#;
        let faults = Tenant::parse(text, |_| Ok(Prompts::default()), &demo_text)
            .unwrap_err()
            .into_vec();
        for expected in [
            "sensitivePrompts[0]: there is no prompt \"enter_pin\"",
            "sensitivePrompts[1] must be a text",
            "client[0].secret must have",
            "client[0].scopes: the scope \"fly\"",
            "client[0].scope is unknown; known are id, secret, scopes, tokenLifetimeS",
            "client[1].id trunkline-house is the center's own; choose another",
            "profile[0].id is missing",
            "profile[0].externalId must be a text",
            "profile[0].dateModified",
            "call[0].dnis is missing",
            "interaction[0].agentId is missing",
            "interaction[0].responses[0].fieldName is missing",
            "announcements.apology: there is no prompt",
            "announcements.operatorGreeting is missing",
            "tasks.acceptWithinS must be 1 to 86400, not 0",
            "tasks.firstResponseS.Urgent is unknown; known are Low, Normal, Medium, High, Critical",
            "tasks.firstResponseS.High must be a whole number, not \"soon\"",
            "agent[0].id is part of a path",
            "agent[0].active must be true or false",
            "agent[0].team must not contain control characters",
            "agent[0].skills[0] must be a text",
            "agent[2].teams is unknown; known are id, name, active, team, skills",
            "agent.id a-1 is used twice",
            "bot[0].file \"no-bot.toml\": the demo has no file",
        ] {
            assert!(
                faults.iter().any(|fault| fault.contains(expected)),
                "{expected}: {faults:#?}"
            );
        }
    }

    #[test]
    fn a_syntax_error_has_its_line() {
        let faults = Tenant::parse("name = \n", |_| Ok(Prompts::default()), &demo_text).unwrap_err();
        assert!(faults.to_string().contains("line 1"), "{faults}");
    }
}
