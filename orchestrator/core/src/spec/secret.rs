//! Which parameters carry secrets, by their names.
//!
//! Never: a look at a value.

/// Whether a parameter of this name carries a secret: its value is never shown, and never in the log [S7]. Names that say
/// where a secret is found carry none. It errs on the side of silence.
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let elsewhere = ["file", "script", "path"].iter().any(|end| name.ends_with(end));
    let inside = ["passw", "passphr", "pwd", "secret", "community", "key_value"].iter().any(|part| name.contains(part));
    let ends = ["key", "token"].iter().any(|end| name.ends_with(end));
    !elsewhere && (inside || ends || name == "pass")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_of_the_fence_programs_of_debian_is_known_by_its_name() {
        for name in [
            "passwd",
            "password",
            "community",
            "snmp_auth_passwd",
            "snmp-priv-passwd",
            "key",
            "token",
            "apikey",
            "secret_key",
            "access_key",
            "tlskey",
            "key_value",
            "replication_passwd",
            "incoming_password",
            "passphrase",
            "ldap_pwd",
            "pass",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in
            ["bypass", "passwd_script", "password_script", "identity_file", "ssh_key_path", "keyboard", "login", "ip"]
        {
            assert!(!is_secret(name), "{name}");
        }
    }
}
