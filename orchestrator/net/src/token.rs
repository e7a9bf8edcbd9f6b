//! Join tokens: one line of text that tells a machine which cluster to join, where it is, and how to know it.
//!
//! Form: `haven1-` and base64url of two bytes length, the content in CBOR, and four bytes of its SHA-256, so that a typo
//! or a line that was cut off is told from a token that the cluster refuses. White space is skipped: terminals wrap.
//! Whoever has a token can join with it once, so it is a secret: `Display` is the token itself, `Debug` hides it.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use haven_core::event::{Fingerprint, MemberKind};
use haven_core::ids::ClusterId;
use haven_core::units::{Millis, WallTime};
use haven_env::Secret;
use minicbor::{Decode, Encode};
use ring::rand::{SecureRandom, SystemRandom};

use crate::pki::{PkiError, sha256};

/// What a token begins with; the digit is the version of its form.
const PREFIX: &str = "haven1-";
/// What tokens of all versions begin with.
const ANY_PREFIX: &str = "haven";
/// Length of the secret in bytes: beyond guessing.
const SECRET_LEN: usize = 32;
/// Bytes of the checksum.
const SUM_LEN: usize = 4;
/// Most addresses in a token: more do not fit on a few lines, and one that answers is enough.
const ADDRESSES_MAX: usize = 8;
/// Longest text that is looked at.
const TEXT_MAX: usize = 4096;

/// Why a text is not a join token. Page: docs/errors/HV-JOIN-01.md.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Something else was given.
    #[error("this is no join token: it does not begin with `haven1-`")]
    NotOne,
    /// It was made by a version that writes another form.
    #[error("the join token begins with `{0}`: it was made by another version of haven")]
    OtherVersion(String),
    /// Its end is missing.
    #[error("the join token is cut off: {found} of {needed} characters are there")]
    Truncated {
        /// How many there are.
        found: usize,
        /// How many there should be.
        needed: usize,
    },
    /// There is more behind its end.
    #[error("the join token has {0} characters too many at its end")]
    TooLong(usize),
    /// A character that no token has.
    #[error("the join token was altered: character {at} is `{letter}`")]
    Letter {
        /// Its place, from 1.
        at: usize,
        /// The character.
        letter: char,
    },
    /// The checksum does not fit.
    #[error("the join token was altered: its checksum does not fit")]
    Altered,
}

impl TokenError {
    /// The code of the page that explains it.
    pub const fn code(&self) -> &'static str {
        "HV-JOIN-01"
    }

    /// The operator's next step, one imperative sentence without a full stop.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::OtherVersion(_) => "install the cluster's version of haven here",
            Self::NotOne | Self::Truncated { .. } | Self::TooLong(_) | Self::Letter { .. } | Self::Altered => {
                "copy the whole line that `haven token create` printed"
            }
        }
    }
}

/// What lets one machine join.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinToken {
    cluster: ClusterId,
    name: String,
    addresses: Vec<SocketAddr>,
    ca: Fingerprint,
    secret: Secret,
    expires: WallTime,
    kind: MemberKind,
}

#[derive(Encode, Decode)]
struct Content {
    #[n(0)]
    cluster: ClusterId,
    #[n(1)]
    name: String,
    #[n(2)]
    addresses: Vec<String>,
    #[cbor(n(3), with = "minicbor::bytes")]
    ca: [u8; 32],
    #[cbor(n(4), with = "minicbor::bytes")]
    secret: [u8; SECRET_LEN],
    #[n(5)]
    expires: WallTime,
    #[n(6)]
    kind: MemberKind,
}

impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "JoinToken for a {:?} member of {} ({:?})", self.kind, self.name, self.secret)
    }
}

impl JoinToken {
    /// Makes a token with a secret of its own. At most eight of `addresses` are kept. `expires` is by the clock of the
    /// machine that makes it; the cluster itself goes by its log's time.
    pub fn create(
        cluster: ClusterId,
        name: &str,
        addresses: Vec<SocketAddr>,
        ca: Fingerprint,
        kind: MemberKind,
        expires: WallTime,
    ) -> Result<Self, PkiError> {
        let mut secret = [0; SECRET_LEN];
        SystemRandom::new().fill(&mut secret).map_err(|_| PkiError::unreadable("the system's randomness", "none"))?;
        let addresses = addresses.into_iter().take(ADDRESSES_MAX).collect();
        Ok(Self { cluster, name: name.to_owned(), addresses, ca, secret: Secret::new(secret), expires, kind })
    }

    /// The cluster.
    pub fn cluster(&self) -> ClusterId {
        self.cluster
    }

    /// The cluster's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where members are, at most eight.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The CA by which its members are known.
    pub fn ca(&self) -> Fingerprint {
        self.ca
    }

    /// What it admits.
    pub fn kind(&self) -> MemberKind {
        self.kind
    }

    /// When it ends, by the clock of the machine that made it.
    pub fn expires(&self) -> WallTime {
        self.expires
    }

    /// For how long it has been over by this machine's clock; `None` if it is not. A hint: the cluster decides.
    pub fn over_since(&self, now: WallTime) -> Option<Millis> {
        now.0.checked_sub(self.expires.0).map(Millis)
    }

    /// SHA-256 of the secret: what the log knows of the token.
    pub fn digest(&self) -> [u8; 32] {
        sha256(self.secret.reveal())
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }
}

/// The digest of a secret as the log names it: 64 hexadecimal digits.
pub(crate) fn digest_text(secret: &[u8]) -> String {
    sha256(secret).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sum(content: &[u8]) -> [u8; SUM_LEN] {
    let [a, b, c, d, ..] = sha256(content);
    [a, b, c, d]
}

impl fmt::Display for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let content = Content {
            cluster: self.cluster,
            name: self.name.clone(),
            addresses: self.addresses.iter().map(SocketAddr::to_string).collect(),
            ca: *self.ca.as_bytes(),
            secret: self.secret.reveal().try_into().map_err(|_| fmt::Error)?,
            expires: self.expires,
            kind: self.kind,
        };
        let content = minicbor::to_vec(&content).map_err(|_| fmt::Error)?;
        let length = u16::try_from(content.len()).map_err(|_| fmt::Error)?.to_be_bytes();
        let bytes = [&length[..], &content, &sum(&content)].concat();
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for JoinToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).take(TEXT_MAX).collect();
        let Some(body) = text.strip_prefix(PREFIX) else {
            return Err(match text.split_once('-') {
                Some((start, _)) if is_version(start) => TokenError::OtherVersion(start.to_owned()),
                Some(_) | None => TokenError::NotOne,
            });
        };
        let letter = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if let Some((at, letter)) = text.chars().enumerate().find(|(_, c)| !letter(*c)) {
            return Err(TokenError::Letter { at: at + 1, letter });
        }
        read(body)
    }
}

fn is_version(start: &str) -> bool {
    let digits = start.strip_prefix(ANY_PREFIX);
    digits.is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()))
}

fn read(body: &str) -> Result<JoinToken, TokenError> {
    // The length is in the first two bytes, hence in the first three letters.
    let head = body.get(..3).map(|head| URL_SAFE_NO_PAD.decode(format!("{head}A")));
    let Some(Ok(head)) = head else {
        return Err(TokenError::Truncated { found: PREFIX.len() + body.len(), needed: PREFIX.len() + 3 });
    };
    let [high, low, ..] = head.as_slice() else { return Err(TokenError::Altered) };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    let letters = ((2 + length + SUM_LEN) * 4).div_ceil(3);
    if body.len() < letters {
        let (found, needed) = (PREFIX.len() + body.len(), PREFIX.len() + letters);
        return Err(TokenError::Truncated { found, needed });
    }
    if body.len() > letters {
        return Err(TokenError::TooLong(body.len() - letters));
    }
    let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| TokenError::Altered)?;
    let content = bytes.get(2..2 + length).ok_or(TokenError::Altered)?;
    if bytes.get(2 + length..) != Some(&sum(content)) {
        return Err(TokenError::Altered);
    }
    // The checksum fits, so this is what somebody wrote: fields that cannot be read are of another version.
    let other = || TokenError::OtherVersion(PREFIX.trim_end_matches('-').to_owned());
    let content: Content = minicbor::decode(content).map_err(|_| other())?;
    let addresses: Result<Vec<SocketAddr>, _> = content.addresses.iter().map(|text| text.parse()).collect();
    Ok(JoinToken {
        cluster: content.cluster,
        name: content.name,
        addresses: addresses.map_err(|_| other())?,
        ca: Fingerprint::from_bytes(content.ca),
        secret: Secret::new(content.secret),
        expires: content.expires,
        kind: content.kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::cluster;

    fn token() -> JoinToken {
        let addresses = ["10.0.0.1:7741", "[fd00::1]:7741"].map(|a| a.parse().unwrap()).to_vec();
        let ca = Fingerprint::from_bytes([9; 32]);
        JoinToken::create(cluster(1), "prod", addresses, ca, MemberKind::Witness, WallTime(5_000)).unwrap()
    }

    #[test]
    fn a_token_is_read_as_it_was_printed_even_over_several_lines() {
        let token = token();
        let text = token.to_string();
        assert_eq!(text.parse::<JoinToken>().unwrap(), token);
        let (start, end) = text.split_at(70);
        assert_eq!(format!("  {start}\n  {end}\n").parse::<JoinToken>().unwrap(), token);
    }

    #[test]
    fn every_cut_and_every_other_letter_is_found() {
        let text = token().to_string();
        for length in 0..text.len() {
            let error = text[..length].parse::<JoinToken>().unwrap_err();
            assert!(matches!(error, TokenError::NotOne | TokenError::Truncated { .. }), "{length}: {error}");
        }
        for at in PREFIX.len()..text.len() {
            let mut letters: Vec<char> = text.chars().collect();
            letters[at] = if letters[at] == 'A' { 'B' } else { 'A' };
            let altered: String = letters.into_iter().collect();
            assert!(altered.parse::<JoinToken>().is_err(), "letter {at}");
        }
        assert_eq!(format!("{text}AA").parse::<JoinToken>(), Err(TokenError::TooLong(2)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let text = token().to_string();
        let cut = text[..text.len() - 9].parse::<JoinToken>().unwrap_err();
        let needed = text.len();
        assert_eq!(
            cut.to_string(),
            format!("the join token is cut off: {} of {needed} characters are there", needed - 9)
        );
        let odd = text.replacen("haven1-", "haven1-!", 1).parse::<JoinToken>().unwrap_err();
        assert_eq!(odd.to_string(), "the join token was altered: character 8 is `!`");
        let newer = "haven2-AAAA".parse::<JoinToken>().unwrap_err();
        assert_eq!(newer.to_string(), "the join token begins with `haven2`: it was made by another version of haven");
        assert_eq!("swarm-key".parse::<JoinToken>(), Err(TokenError::NotOne));
    }

    #[test]
    fn a_token_is_over_when_its_time_has_come() {
        let token = token();
        assert_eq!(token.over_since(WallTime(4_999)), None);
        assert_eq!(token.over_since(WallTime(65_000)), Some(Millis(60_000)));
    }

    #[test]
    fn the_secret_is_in_the_token_and_nowhere_else() {
        let token = token();
        let printed = format!("{token:?}");
        assert_eq!(printed, "JoinToken for a Witness member of prod (***)");
        assert_eq!(digest_text(token.secret().reveal()).len(), 64);
        assert_ne!(token.secret(), super::tests::token().secret());
    }
}
