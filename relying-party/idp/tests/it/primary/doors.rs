//! A device that is disabled or deleted signs nobody in and resets no PIN any more, whichever door that was done through.

use latchkey_idp::administration::Administrator;
use latchkey_idp::domain::DeviceId;
use serde_json::json;

use super::device::{Device, HelloKey, key_request, nonce};
use super::{by_key, used};
use crate::admin_pages::{Desk, ada};
use crate::graph::Graph;
use crate::pin_reset::device::RegisteredDevice;
use crate::pin_reset::scene::Scene;
use crate::rig::{Answer, Rig};

/// Where an administrator stands.
#[derive(Clone, Copy, Debug)]
enum Door {
    DevicePage,
    UserPage,
    Graph,
    /// What the commands call.
    Operator,
}

struct Doors<'a> {
    rig: &'a Rig,
    desk: Desk,
    graph: Graph<'a>,
}

impl Doors<'_> {
    async fn change(&mut self, door: Door, change: &str, device: DeviceId) {
        let user = self.rig.user.id;
        match door {
            Door::DevicePage => {
                self.desk.done(&format!("/devices/{device}/{change}"), &[]).await;
            }
            Door::UserPage => {
                self.desk.done(&format!("/users/{user}/devices/{device}/{change}"), &[]).await;
            }
            Door::Graph => {
                let path = format!("/v1.0/devices/{device}");
                let answer = match change {
                    "delete" => self.graph.delete(&path).await,
                    _ => self.graph.patch(&path, json!({ "accountEnabled": false })).await,
                };
                assert_eq!(answer.status, 204, "{}", answer.body);
            }
            Door::Operator => {
                let operator = Administrator::operator_of_only_tenant(&self.rig.provider).await.unwrap();
                match change {
                    "delete" => operator.delete_device(device).await.unwrap(),
                    _ => operator.set_device_enabled(device, false).await.unwrap(),
                }
            }
        }
    }
}

async fn hello(rig: &Rig, device: &Device, key: &HelloKey) -> Answer {
    let assertion = key.assertion(rig, &nonce(rig).await);
    device.ask(rig, &device.signed(&key_request(&nonce(rig).await, &assertion))).await
}

#[tokio::test]
async fn a_device_that_ends_ends_everything_through_each_door() {
    let mut scene = Scene::hpke().await;
    let mut resets = Vec::new();
    for _ in 0..8 {
        resets.push(scene.reset().await);
    }
    let (rig, ada) = (&scene.rig, ada(&scene.rig).await);
    let (desk, graph) = (Desk::of(rig, &ada).await, Graph::app(rig, &["Device.ReadWrite.All"]).await);
    let mut doors = Doors { rig, desk, graph };
    for door in [Door::DevicePage, Door::UserPage, Door::Graph, Door::Operator] {
        let device = Device::register(rig, "Laptop").await;
        let key = device.add_key(rig, rig.user.id).await;
        let forgetful = RegisteredDevice::register(rig, (rig.tenant, rig.user.id)).await;
        let held = by_key(rig, &device, &key).await;
        assert_eq!(used(rig, &held).await.status, 200, "{door:?}");
        for (change, code, name) in
            [("disable", 135_011, "device_disabled"), ("delete", 130_008, "device_unknown")]
        {
            doors.change(door, change, device.id).await;
            doors.change(door, change, forgetful.id).await;
            used(rig, &held).await.refused(400, "invalid_grant", code);
            hello(rig, &device, &key).await.refused(400, "invalid_grant", code);
            let reset = resets.pop().unwrap();
            let answer = scene.post(&reset, &forgetful.sign(&reset.payload)).await;
            assert_eq!(answer.body["error"], name, "{door:?} {change}: {}", answer.body);
        }
    }
}
