//! Entra's refusals by number: what each means for a user who only wants to reach a cache.
//!
//! Numbers: <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>, and for what that page leaves out
//! <https://login.microsoftonline.com/error> and what people report of federated credentials, az and azd.

use super::ErrorKind;

/// What some AADSTS numbers mean that ask for the same remedy.
pub(super) struct Entry {
    codes: &'static [u32],
    pub(super) kind: ErrorKind,
    remedy: &'static str,
}

const fn refused(codes: &'static [u32], remedy: &'static str) -> Entry {
    Entry { codes, kind: ErrorKind::AuthRejected, remedy }
}

const fn config(codes: &'static [u32], remedy: &'static str) -> Entry {
    Entry { codes, kind: ErrorKind::InvalidConfig, remedy }
}

const fn passing(codes: &'static [u32], kind: ErrorKind, remedy: &'static str) -> Entry {
    Entry { codes, kind, remedy }
}

/// Where a remedy begins in a message.
const WHAT_TO_DO: &str = " What to do: ";

#[rustfmt::skip]
const ENTRIES: &[Entry] = &[
    // Client secrets.
    refused(&[7_000_215, 70_002], "check client_secret: it must be the secret's value, not its id, and belong to client_id"),
    refused(&[7_000_222], "the client secret has expired: create a new one and set client_secret"),
    refused(&[7_000_216, 7_000_218], "the request proved nothing: set client_secret, a certificate or a client assertion"),
    refused(&[700_025], "the application is registered as a public client, which may prove nothing: switch public client \
        flows off under Authentication of its registration, or use an application that is none"),
    // Certificates and the assertions that they sign.
    refused(&[700_027, 5_002_723], "the certificate is not registered for this application, or its key is another one: upload the \
        certificate under Certificates & secrets"),
    refused(&[700_030], "the certificate's subject is not one that the application trusts: check which certificate is set, and that \
        send_certificate_chain sends the one of this cloud"),
    refused(&[50_012, 50_017], "the certificate or its chain is not trusted: check that it is registered for the application, that it \
        has not expired, and send_certificate_chain if its issuer is what is trusted"),
    refused(&[50_003, 50_146], "the application has no valid signing key in Entra: have its owner register one"),
    refused(&[50_006, 900_384, 50_099], "the signature of the client assertion does not fit: check that it was signed with the key of \
        a registered certificate or by the issuer of the federated credential"),
    refused(&[700_024, 500_133], "the client assertion is outside its validity: check the clock of this machine"),
    refused(&[700_021, 50_048], "the client assertion is for another application: check client_id"),
    refused(&[50_027, 50_013, 50_120, 90_016], "the client assertion is not a JWT that Entra takes: check the token file or callback"),
    refused(&[700_023, 50_010], "the client assertion's audience is not Entra's: check cloud, authority_host and tenant_id"),
    // Federated identity credentials: workload identity, pipelines, GitHub, other clouds.
    refused(&[70_021, 70_025, 700_211, 700_212, 700_213, 7_002_131], "no federated credential matches: compare issuer, subject and \
        audience with those of the application's or identity's federated credentials in Azure; a new one takes minutes to work"),
    refused(&[7_002_138], "the federated credential's subject differs in upper and lower case: write it as the token has it"),
    refused(&[700_222, 700_226, 700_229, 700_231], "the client assertion is a token of Entra's that no federated credential may take: \
        use one of a managed identity for api://AzureADTokenExchange, not a user's or another application's"),
    refused(&[700_236], "a managed identity may prove only an application of its own tenant: move one of them, or use another proof"),
    refused(&[700_223, 700_238, 7_002_381], "a policy of the tenant does not permit this issuer's federated credentials: ask the \
        tenant's administrator"),
    refused(&[7_000_272], "Entra does not know the key that signed the token: the issuer's published keys (jwks_uri) are older or its \
        new ones are not in Entra's cache yet"),
    refused(&[50_166, 501_661], "Entra could not read the issuer's keys: its .well-known/openid-configuration and jwks_uri must be \
        reachable from the internet"),
    // Applications and their service principals.
    refused(&[700_016, 700_011], "check client_id and tenant_id: this application is not in this tenant"),
    refused(&[7_000_229, 650_052], "the application has no service principal in this tenant: create it \
        (az ad sp create --id), or check tenant_id"),
    refused(&[7_000_112, 70_001, 1_000_031], "the application is disabled: enable it in Entra"),
    refused(&[50_105, 501_051], "the resource admits only applications that are assigned to it: assign this one under Users and \
        groups of the resource's enterprise application"),
    refused(&[50_001], "the resource is disabled or unknown: check scope, and that the tenant has a service principal for it"),
    refused(&[70_003], "the application may not use this way to sign in: check its registration, and authority_host if \
        it is set"),
    // Tenants and clouds.
    refused(&[90_002, 50_049, 90_051], "check tenant_id, and cloud or authority_host: this tenant is not in this cloud"),
    refused(&[90_038, 900_382, 900_432, 1_000_104, 90_043], "the tenant belongs to another cloud than the one that was asked: set \
        cloud or authority_host to the tenant's own"),
    config(&[900_021, 900_023, 50_059, 50_128, 90_019, 90_013, 50_029], "check tenant_id: it must be the tenant's id or one of its domains"),
    config(&[50_194, 90_124, 90_130, 9_001_023, 9_002_332], "set tenant_id to the application's own tenant: common, organizations \
        and consumers do not serve"),
    refused(&[500_021, 500_022, 50_002], "the network's proxy restricts which tenants may be reached: have this tenant allowed there, or check \
        tenant_id"),
    refused(&[500_212, 500_213], "a cross-tenant access policy forbids it: ask the administrators of both tenants"),
    // Scope and permission.
    config(&[70_011, 70_022, 700_022, 70_023, 28_002, 28_003], "check scope: https://redis.azure.com/.default is the usual one, and no other may stand \
        beside it"),
    config(&[500_011, 650_054], "check scope, cloud and tenant_id: this tenant knows no such resource"),
    config(&[1_002_012], "scope must end in /.default"),
    refused(&[650_057, 65_005, 650_056], "the resource is not in the application's list of permissions: check scope"),
    refused(&[65_001, 90_094, 90_095, 90_008, 65_004], "nobody has consented to the application's access: ask the tenant's administrator for \
        consent, or check scope"),
    refused(&[65_002, 90_009], "the application that signs in may not have tokens for this resource: use another client_id, or check \
        scope"),
    // Conditional Access.
    refused(&[53_003, 530_032, 50_131, 530_035, 53_000, 53_001, 53_002, 53_011, 50_005, 530_034], "a policy of the tenant (Conditional \
        Access, security defaults) blocks this sign-in: ask the tenant's administrator; the sign-in log names the policy"),
    // Users, as az and azd sign them in.
    refused(&[50_076, 50_079, 50_072, 50_074, 50_078, 50_158, 53_004], "the user must sign in again with a second factor: run az login (azd auth \
        login) with --tenant and this tenant"),
    refused(&[700_082, 70_008, 70_043, 700_084, 50_173, 50_132, 50_133, 70_000, 50_089, 54_005, 50_058, 700_020], "the user's sign-in has \
        ended: run az login (azd auth login) again"),
    refused(&[50_055, 50_144, 50_126, 50_056, 50_064], "the user's password is wrong or has expired: set it, then run az login (azd auth login) again"),
    refused(&[50_053, 50_057], "the user's account is locked or disabled: ask the tenant's administrator"),
    refused(&[50_020, 50_034, 51_004, 16_000, 16_003, 90_072, 50_014], "the user is not in this tenant: check tenant_id, or sign in as another user \
        (az login --tenant, azd auth login --tenant-id)"),
    refused(&[50_097, 50_129, 50_155, 50_187], "the tenant admits known devices only, and this one is not: sign in on a registered device, \
        or use an identity that is no user"),
    // What passes by itself.
    passing(&[90_033, 90_006, 90_012, 90_024, 90_090, 90_091, 50_033, 50_087, 40_010], ErrorKind::BadResponse, "a passing trouble of \
        Entra's; it is tried again"),
    passing(&[90_055, 50_196, 50_088], ErrorKind::Throttled, "too many requests came from this tenant or application; it is tried again, and \
        fewer processes should ask (one provider serves a whole process)"),
    // What a request of ours can hardly be.
    refused(&[900_144, 90_014, 90_023, 9_002_313, 90_004, 90_100, 90_121, 901_002, 90_102], "Entra found the request malformed: check tenant_id, client_id and scope for \
        odd characters, and authority_host if it is set"),
];

const UNKNOWN: Entry = refused(
    &[],
    "look the AADSTS number up at https://login.microsoftonline.com/error, by ?code= and the number",
);

pub(super) fn lookup(code: u32) -> &'static Entry {
    known(code).unwrap_or(&UNKNOWN)
}

fn known(code: u32) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.codes.contains(&code))
}

/// What to do about this number, if that is known.
pub(crate) fn remedy(code: u32) -> Option<&'static str> {
    known(code).map(|entry| entry.remedy)
}

/// The number in `AADSTS700016: …`, wherever it stands.
pub(crate) fn number_in(text: &str) -> Option<u32> {
    text.split("AADSTS").skip(1).find_map(|rest| {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..digits)?.parse().ok()
    })
}

/// Entra's own first sentence, then the remedy. The rest of the description (trace ids, time stamps) is
/// noise here: the correlation id travels beside the message.
pub(super) fn message(code: u32, description: &str, entry: &Entry) -> String {
    let first_line = description.split(['\r', '\n']).next().unwrap_or_default();
    let sentence = first_line.split(" Trace ID:").next().unwrap_or_default().trim();
    // Entra's longest first sentences have about 300 characters; the remedy must not be cut off after them.
    let sentence: String = sentence.chars().take(500).collect();
    let said = if sentence.is_empty() { format!("AADSTS{code}") } else { sentence };
    format!("Entra refused the sign-in: {said}{WHAT_TO_DO}{}.", entry.remedy)
}

/// The message with another remedy, from a caller that knows more of the request than its number.
pub(super) fn with_remedy(message: &str, remedy: &str) -> String {
    let said = message.rsplit_once(WHAT_TO_DO).map_or(message, |(said, _)| said);
    format!("{said}{WHAT_TO_DO}{remedy}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_one_remedy_and_each_remedy_reads_on_in_a_sentence() {
        let mut codes: Vec<u32> = ENTRIES.iter().flat_map(|entry| entry.codes).copied().collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert!(codes.len() == count && count >= 60, "{count} numbers, {} of them different", codes.len());
        for entry in ENTRIES {
            assert!(!entry.remedy.ends_with('.') && !entry.remedy.contains("  "), "{}", entry.remedy);
        }
    }

    #[test]
    fn what_people_meet_has_a_remedy_that_names_what_to_change() {
        for (code, says) in [
            (70_023, "scope"),
            (900_382, "another cloud"),
            (700_016, "client_id"),
            (7_000_229, "az ad sp create"),
            (7_002_138, "upper and lower case"),
            (700_082, "az login"),
            (50_076, "second factor"),
            (53_003, "Conditional"),
            (900_023, "tenant_id"),
            (501_661, "reachable from the internet"),
            (90_055, "tried again"),
        ] {
            let remedy = lookup(code).remedy;
            assert!(remedy.contains(says), "{code}: {remedy}");
        }
        assert!(lookup(90_055).kind.is_retriable() && !lookup(70_023).kind.is_retriable());
        assert!(lookup(1).remedy.contains("https://login.microsoftonline.com/error"));
    }

    #[test]
    fn a_number_is_found_in_any_text_and_only_if_there_is_one() {
        let az = "ERROR: AADSTS700082: The refresh token has expired due to inactivity. The token was issued on \
                  2024-01-01T00:00:00.0000000Z and was inactive for 90.00:00:00.";
        assert_eq!(number_in(az), Some(700_082));
        assert_eq!(number_in("an AADSTS error: AADSTS53003: Access has been blocked"), Some(53_003));
        assert_eq!(number_in("AADSTS, AADSTS99999999999999"), None);
        assert_eq!(number_in("no number"), None);
    }
}
