// Whole stories, as a technician or QA would tell them: what instruments and people did, and what is on record.

import { describe, expect, it } from 'vitest'
import { plantOf } from '../../support/core-plant.ts'
import { timeline } from '../../support/timeline.ts'

const told = (points: readonly string[], script: string): string[] =>
  timeline(plantOf(points), script).split('\n')

describe('URS-27 stories', () => {
  it('a door that is held open: pressure falls, is acknowledged, and comes back', () => {
    expect(
      told(
        ['b101-dp'],
        `00:00 b101-dp 15 11.9 9.2 8.1 8.4 8.6 8.3 8.2 8.5 8.4 10.3 10.6 12.8 14.9
         00:42 ack b101-dp.action_low door_opened trolley
         01:10 end`,
      ),
    ).toEqual([
      '00:35 b101-dp.alert_low normal → unacknowledged 8.3 onset 00:05 peak 8.1',
      '00:40 b101-dp.action_low normal → unacknowledged 8.2 onset 00:10 peak 8.1',
      '00:42 b101-dp.action_low unacknowledged → acknowledged door_opened',
      '00:55 b101-dp.action_low acknowledged → normal',
      '01:05 b101-dp.alert_low unacknowledged → rtn_unacknowledged',
    ])
  })

  it('a pressure inversion is alarmed with its second sample, latches, and is reset by hand', () => {
    expect(
      told(
        ['b101-dp'],
        `00:00 b101-dp 15 -0.4 -1.2 15 15 15 15 15 15
         00:22 ack b101-dp.inversion intervention fan restarted
         00:24 reset b101-dp.inversion`,
      ),
    ).toEqual([
      '00:10 b101-dp.inversion normal → unacknowledged -1.2 onset 00:05',
      '00:15 b101-dp.inversion unacknowledged → latched_unacknowledged',
      '00:22 b101-dp.inversion latched_unacknowledged → latched_acknowledged intervention',
      '00:24 b101-dp.inversion latched_acknowledged → normal',
    ])
  })

  it('the cable is pulled while pressure is low: both alarms rise, neither hides the other', () => {
    expect(
      told(
        ['b101-dp'],
        `00:00 b101-dp 15 9 timeout timeout timeout timeout timeout timeout timeout 9 15
         00:55 end`,
      ),
    ).toEqual([
      '00:10 b101-dp bad timeout',
      '00:15 dp-b101.comm_fail normal → unacknowledged onset 00:05',
      '00:40 b101-dp.action_low normal → unacknowledged 9 onset 00:05 unconfirmed',
      '00:40 b101-dp.alert_low normal → unacknowledged 9 onset 00:05 unconfirmed',
      '00:45 b101-dp good',
      '00:50 b101-dp.action_low unacknowledged → rtn_unacknowledged',
      '00:50 b101-dp.alert_low unacknowledged → rtn_unacknowledged',
    ])
  })

  it('the box loses power in the middle of an on-delay and goes on where it was', () => {
    expect(
      told(
        ['b101-dp'],
        `00:00 b101-dp 15 9 9
         00:12 reboot 20s
         00:13 b101-dp 9 9 9 9 9 9 9
         00:40 end`,
      ),
    ).toEqual([
      // 5 s had run at the last commit, 25 s were left when the first sample after the start arrived
      '00:58 b101-dp.action_low normal → unacknowledged 9 onset 00:05',
      '00:58 b101-dp.alert_low normal → unacknowledged 9 onset 00:05',
    ])
  })

  it('PE16 an hour set back by somebody neither hides an excursion nor makes one', () => {
    expect(
      told(
        ['b101-dp'],
        `00:00 b101-dp 15 9 9
         00:11 wall -1h
         00:15 b101-dp 9 9 9 9 9
         00:36 end`,
      ),
    ).toEqual([
      '-59:49 clock.stepped -3600000',
      '-59:49 system.clock_stepped normal → unacknowledged',
      '-59:49 system.clock_stepped unacknowledged → rtn_unacknowledged',
      '-59:25 b101-dp.action_low normal → unacknowledged 9 onset 00:05',
      '-59:25 b101-dp.alert_low normal → unacknowledged 9 onset 00:05',
    ])
  })

  it('rare large particles in the cabinet: isolated counts are noise, two in a row are not', () => {
    expect(
      told(
        ['bsc1-p05', 'bsc1-p5'],
        `01:00 pc-bsc1 particles_0_5um=8 particles_5um=1
         02:00 pc-bsc1 particles_0_5um=5 particles_5um=0
         03:00 pc-bsc1 particles_0_5um=9 particles_5um=1
         04:00 pc-bsc1 particles_0_5um=0 particles_5um=0 flow_fault
         05:00 pc-bsc1 particles_0_5um=7 particles_5um=1
         06:00 pc-bsc1 particles_0_5um=110 particles_5um=0
         06:30 ack bsc1-p05.action_high intervention glove`,
      ),
    ).toEqual([
      '03:00 bsc1-p05 bad flow_fault',
      '04:00 bsc1-p05.sensor_fault normal → unacknowledged onset 03:00',
      '03:00 bsc1-p5 bad flow_fault',
      '04:00 bsc1-p5.sensor_fault normal → unacknowledged onset 03:00',
      '04:15 pc-bsc1.comm_fail normal → unacknowledged onset 03:00',
      '04:00 bsc1-p05 good',
      '05:00 bsc1-p05.sensor_fault unacknowledged → rtn_unacknowledged',
      '04:00 bsc1-p5 good',
      '05:00 bsc1-p5.sensor_fault unacknowledged → rtn_unacknowledged',
      '05:00 bsc1-p5.consecutive normal → unacknowledged 2 onset 04:00',
      '05:00 pc-bsc1.comm_fail unacknowledged → rtn_unacknowledged',
      '06:00 bsc1-p05.action_high normal → unacknowledged 3886.9257950530036 onset 05:00',
      '06:00 bsc1-p05.alert_high normal → unacknowledged 3886.9257950530036 onset 05:00',
      '06:00 bsc1-p5.consecutive unacknowledged → latched_unacknowledged',
      '06:30 bsc1-p05.action_high unacknowledged → acknowledged intervention',
    ])
  })

  it('the counter is switched off for three samples in grade A', () => {
    expect(
      told(
        ['bsc1-p05'],
        `01:00 pc-bsc1 particles_0_5um=8
         05:00 pc-bsc1 particles_0_5um=8
         05:30 end`,
      ),
    ).toEqual([
      '02:15 pc-bsc1.comm_fail normal → unacknowledged onset 01:00',
      '01:00 bsc1-p05 bad no_new_sample',
      '02:16.001 bsc1-p05.gap normal → unacknowledged onset 01:00',
      '04:00 bsc1-p05 good',
      '05:00 pc-bsc1.comm_fail unacknowledged → rtn_unacknowledged',
      '05:00 bsc1-p05.gap unacknowledged → rtn_unacknowledged',
    ])
  })
})
