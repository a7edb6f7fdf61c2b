"""One file for each adversary of the threat model, against a real server process and real agent processes.

``test_NN_…py`` bears the number and the name of its row in ``docs/explanation/threat-model.md``. What the adversary
does is done from outside: clocks, receivers and the network are ports of a small product (``product.py``, its ports in
``ports.py``) that runs in a process of its own, and the store is a folder that can be copied while the power is off.

How a row is written::

    def test_an_expired_grant_stays_expired(field: Field) -> None:
        device = field.device({RECORD: {}}, valid_for=120)   # enrolled, its lists fetched
        assert device.code(RECORD) == "granted"
        device.pass_time(121)                                # all clocks of the device run on
        assert device.code(RECORD) == "entitlement.expired"
        device.reboot(wall=0)                                # power cut, new boot id, the wall clock at 1970
        device.sync()
        field.office.wait_for_case(device.id, "clock.anomaly")

``field.device(grants, …)`` gives a :class:`~tests.scenarios.device.Device`: ``decide``, ``use`` and ``code`` ask it;
``pass_time``, ``set_wall``, ``reboot``, ``power_off`` and ``power_on`` move its world; ``place`` tells its receivers
where it is (``receivers=2`` gives it two), and ``locate`` lets the product say so itself; ``line`` cuts its network, or
a part of it; ``snapshot`` and ``restore`` copy its store, and on demand its clocks. ``field.office`` is the exporter's
staff, over HTTP (:class:`~tests.scenarios.office.Office`): ``get``, ``post``, ``issue``, ``order``, ``events``,
``cases``, ``wait_for_case``, ``release``.

The server lives on the real clock, the device anywhere relative to it, so limits are chosen in minutes and the device
is walked over them. What takes its time (a job of the server, a look of the agent's own thread) is waited for with
:func:`~tests.scenarios.waiting.until`, never by sleeping.
"""
