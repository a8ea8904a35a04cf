//! A user's password, which she gave to the application.

use super::{Refusal, Request};
use crate::graph::SignInError;
use crate::identities::{Application, Identity};
use crate::tokens::{self, Claims};

impl Request<'_> {
    /// The user and the claims of her token. An application that has no credential of its own, or sends none, is taken
    /// for one that may be a public client.
    pub(super) fn user(
        &self,
        client: &Identity,
        application: &Application,
        audience: &str,
    ) -> Result<(&Identity, Claims), Refusal> {
        let client_id = &client.client_id;
        let has_credential =
            ["client_secret", "client_assertion"].iter().any(|name| self.optional(name).is_some());
        let proof = match has_credential {
            true => self.authenticate(client_id, application)?,
            false => tokens::NONE,
        };
        let (name, password) = (self.parameter("username")?, self.parameter("password")?);
        let tenant = self.tenant;
        let signed_in = tenant.graph.sign_in(&tenant.directory, name, password, tenant.now());
        let user = signed_in.map_err(|reason| refusal(reason, name))?;
        Ok((user, tenant.issuance().for_user_of(user, client_id, audience, proof)))
    }
}

fn refusal(reason: SignInError, name: &str) -> Refusal {
    let (code, sentence) = match reason {
        SignInError::UnknownUser => {
            let sentence = format!(
                "The user account {{EUII Hidden}} does not exist in the {} directory. To sign into this application, \
                 the account must be added to the directory.",
                name.split('@').nth(1).unwrap_or_default()
            );
            (50_034, sentence)
        }
        SignInError::WrongPassword => {
            (50_126, "Error validating credentials due to invalid username or password.".to_owned())
        }
        SignInError::MustChange => (50_055, "The password is expired.".to_owned()),
        SignInError::NeedsSecondFactor => {
            let sentence = "Due to a configuration change made by your administrator, or because you moved to a new \
                            location, you must use multi-factor authentication to access the resource.";
            (50_076, sentence.to_owned())
        }
    };
    Refusal::new(400, "invalid_grant", code, sentence)
}
