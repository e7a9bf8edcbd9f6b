//! Who is at the other end, and whether they may ask.

use std::ffi::CString;
use std::io;

use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use tokio::net::UnixStream;

/// The group whose members may talk to the daemon.
pub(super) const GROUP: &str = "haven";

/// Who may ask.
#[derive(Debug, Clone, Copy)]
pub struct Access {
    owner: Uid,
    group: Option<Gid>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user's name, or `uid N` if the system knows none: what the log says as `by`.
    pub name: String,
}

impl Access {
    /// Root, the user that runs this process, and the members of group `haven` if there is one.
    pub fn of_this_process() -> Self {
        let group = Group::from_name(GROUP).ok().flatten().map(|g| g.gid);
        Self { owner: Uid::effective(), group }
    }

    /// The group that the socket is given to.
    pub(super) fn group(self) -> Option<Gid> {
        self.group
    }

    /// The name of the peer, or `None` if it may not ask. Errors: the kernel does not say who it is.
    pub(super) fn admit(self, stream: &UnixStream) -> io::Result<Option<Caller>> {
        let peer = stream.peer_cred()?;
        let (uid, gid) = (Uid::from_raw(peer.uid()), Gid::from_raw(peer.gid()));
        let user = User::from_uid(uid).ok().flatten();
        let in_group = self.group.is_some_and(|group| group == gid || user.as_ref().is_some_and(|u| belongs(u, group)));
        if !(uid.is_root() || uid == self.owner || in_group) {
            return Ok(None);
        }
        let name = user.map_or_else(|| format!("uid {uid}"), |u| u.name);
        Ok(Some(Caller { name }))
    }
}

/// Whether `user` is in `group` by the system's own list, primary or not.
fn belongs(user: &User, group: Gid) -> bool {
    let Ok(name) = CString::new(user.name.as_bytes()) else { return false };
    getgrouplist(&name, user.gid).is_ok_and(|groups| groups.contains(&group))
}
