//! The program as a whole, as people and scripts call it.

// The attribute tells clippy that all of it is tests.
#[cfg(test)]
mod asking;
#[cfg(test)]
mod chaos;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod console;
#[cfg(test)]
mod covered;
#[cfg(test)]
mod crm;
#[cfg(test)]
mod crm_cluster;
#[cfg(test)]
mod crm_refusals;
#[cfg(test)]
mod crm_shell;
#[cfg(test)]
mod guides;
#[cfg(test)]
mod import;
#[cfg(test)]
mod import_cib;
#[cfg(test)]
mod import_proxmox;
#[cfg(test)]
mod members;
#[cfg(test)]
mod of_cib;
#[cfg(test)]
mod rack;
#[cfg(test)]
mod run;
#[cfg(test)]
mod sim;
#[cfg(test)]
mod words;
