//! Which object a path names, and what is to be done with it.

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    Applications,
    ServicePrincipals,
    Users,
}

/// How an object is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Id(String),
    /// `applications(appId='…')`
    AppId(String),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    List(Set),
    Object(Set, Key),
    AddPassword(Set, Key),
    RemovePassword(Set, Key),
}

impl Asked {
    /// `path` is what follows `/v1.0/`.
    pub(super) fn read(path: &str) -> Option<Self> {
        let path = path.replace("%27", "'").replace("%28", "(").replace("%29", ")");
        let mut parts = path.trim_end_matches('/').split('/');
        let (name, app_id) = match parts.next()?.split_once('(') {
            None => (path.split('/').next()?, None),
            Some((name, argument)) => {
                let quoted = argument.strip_suffix("')")?;
                let (parameter, value) = quoted.split_once("='")?;
                (name, parameter.eq_ignore_ascii_case("appId").then(|| value.to_owned()).map(Some)?)
            }
        };
        let set = match name.to_ascii_lowercase().as_str() {
            "applications" => Set::Applications,
            "serviceprincipals" => Set::ServicePrincipals,
            "users" if app_id.is_none() => Set::Users,
            _ => return None,
        };
        let key = app_id.map(Key::AppId).or_else(|| parts.next().map(|id| Key::Id(id.to_owned())));
        let Some(key) = key else { return Some(Self::List(set)) };
        let action = parts.next().map(|action| action.trim_start_matches("microsoft.graph."));
        match (action, parts.next(), set) {
            (None, _, _) => Some(Self::Object(set, key)),
            (_, Some(_), _) | (_, _, Set::Users) => None,
            (Some("addPassword"), ..) => Some(Self::AddPassword(set, key)),
            (Some("removePassword"), ..) => Some(Self::RemovePassword(set, key)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_named_by_its_id_or_by_its_application() {
        let id = Key::Id("1".to_owned());
        let app = Key::AppId("a-b".to_owned());
        for (path, asked) in [
            ("applications", Asked::List(Set::Applications)),
            ("users/", Asked::List(Set::Users)),
            ("users/1", Asked::Object(Set::Users, id.clone())),
            ("applications/1", Asked::Object(Set::Applications, id.clone())),
            ("applications/1/addPassword", Asked::AddPassword(Set::Applications, id)),
            ("applications(appId='a-b')", Asked::Object(Set::Applications, app.clone())),
            (
                "servicePrincipals(appId=%27a-b%27)/removePassword",
                Asked::RemovePassword(Set::ServicePrincipals, app),
            ),
        ] {
            assert_eq!(Asked::read(path), Some(asked), "{path}");
        }
        for none in ["", "groups", "users/1/addPassword", "applications/1/addKey", "applications(id='1')"] {
            assert_eq!(Asked::read(none), None, "{none}");
        }
    }
}
