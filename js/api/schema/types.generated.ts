// Written by `scripts/openapi.ts` from the OpenAPI v2 document of Kubernetes 1.36 (Apache-2.0): structure only.

/** Every kind that is served, by apiVersion. */
export interface Kinds {
	"v1": { Namespace: CoreV1Namespace; Node: CoreV1Node; Pod: CoreV1Pod; Service: CoreV1Service; Endpoints: CoreV1Endpoints; ConfigMap: CoreV1ConfigMap; Secret: CoreV1Secret; ServiceAccount: CoreV1ServiceAccount; Event: CoreV1Event; PodTemplate: CoreV1PodTemplate; ReplicationController: CoreV1ReplicationController; PersistentVolume: CoreV1PersistentVolume; PersistentVolumeClaim: CoreV1PersistentVolumeClaim; ResourceQuota: CoreV1ResourceQuota; LimitRange: CoreV1LimitRange };
	"apps/v1": { Deployment: AppsV1Deployment; ReplicaSet: AppsV1ReplicaSet; StatefulSet: AppsV1StatefulSet; DaemonSet: AppsV1DaemonSet; ControllerRevision: AppsV1ControllerRevision };
	"autoscaling/v1": { HorizontalPodAutoscaler: AutoscalingV1HorizontalPodAutoscaler };
	"autoscaling/v2": { HorizontalPodAutoscaler: AutoscalingV2HorizontalPodAutoscaler };
	"batch/v1": { Job: BatchV1Job; CronJob: BatchV1CronJob };
	"coordination.k8s.io/v1": { Lease: CoordinationV1Lease };
	"discovery.k8s.io/v1": { EndpointSlice: DiscoveryV1EndpointSlice };
	"events.k8s.io/v1": { Event: EventsV1Event };
	"networking.k8s.io/v1": { Ingress: NetworkingV1Ingress; IngressClass: NetworkingV1IngressClass; NetworkPolicy: NetworkingV1NetworkPolicy; ServiceCIDR: NetworkingV1ServiceCIDR; IPAddress: NetworkingV1IPAddress };
	"policy/v1": { PodDisruptionBudget: PolicyV1PodDisruptionBudget };
	"rbac.authorization.k8s.io/v1": { Role: RbacV1Role; RoleBinding: RbacV1RoleBinding; ClusterRole: RbacV1ClusterRole; ClusterRoleBinding: RbacV1ClusterRoleBinding };
	"scheduling.k8s.io/v1": { PriorityClass: SchedulingV1PriorityClass };
	"storage.k8s.io/v1": { StorageClass: StorageV1StorageClass };
	"apiextensions.k8s.io/v1": { CustomResourceDefinition: ApiextensionsV1CustomResourceDefinition };
	"authorization.k8s.io/v1": { SelfSubjectAccessReview: AuthorizationV1SelfSubjectAccessReview; SelfSubjectRulesReview: AuthorizationV1SelfSubjectRulesReview };
	"authentication.k8s.io/v1": { SelfSubjectReview: AuthenticationV1SelfSubjectReview };
}

export interface ApiextensionsV1CustomResourceColumnDefinition { description?: string; format?: string; jsonPath: string; name: string; priority?: number; type: string }
export interface ApiextensionsV1CustomResourceConversion { strategy: string; webhook?: ApiextensionsV1WebhookConversion }
export interface ApiextensionsV1CustomResourceDefinition { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec: ApiextensionsV1CustomResourceDefinitionSpec; status?: ApiextensionsV1CustomResourceDefinitionStatus }
export interface ApiextensionsV1CustomResourceDefinitionCondition { lastTransitionTime?: string; message?: string; observedGeneration?: number; reason?: string; status: string; type: string }
export interface ApiextensionsV1CustomResourceDefinitionNames { categories?: Array<string>; kind: string; listKind?: string; plural: string; shortNames?: Array<string>; singular?: string }
export interface ApiextensionsV1CustomResourceDefinitionSpec { conversion?: ApiextensionsV1CustomResourceConversion; group: string; names: ApiextensionsV1CustomResourceDefinitionNames; preserveUnknownFields?: boolean; scope: string; versions: Array<ApiextensionsV1CustomResourceDefinitionVersion> }
export interface ApiextensionsV1CustomResourceDefinitionStatus { acceptedNames?: ApiextensionsV1CustomResourceDefinitionNames; conditions?: Array<ApiextensionsV1CustomResourceDefinitionCondition>; observedGeneration?: number; storedVersions?: Array<string> }
export interface ApiextensionsV1CustomResourceDefinitionVersion { additionalPrinterColumns?: Array<ApiextensionsV1CustomResourceColumnDefinition>; deprecated?: boolean; deprecationWarning?: string; name: string; schema?: ApiextensionsV1CustomResourceValidation; selectableFields?: Array<ApiextensionsV1SelectableField>; served: boolean; storage: boolean; subresources?: ApiextensionsV1CustomResourceSubresources }
export interface ApiextensionsV1CustomResourceSubresourceScale { labelSelectorPath?: string; specReplicasPath: string; statusReplicasPath: string }
export interface ApiextensionsV1CustomResourceSubresourceStatus {  }
export interface ApiextensionsV1CustomResourceSubresources { scale?: ApiextensionsV1CustomResourceSubresourceScale; status?: ApiextensionsV1CustomResourceSubresourceStatus }
export interface ApiextensionsV1CustomResourceValidation { openAPIV3Schema?: ApiextensionsV1JSONSchemaProps }
export interface ApiextensionsV1ExternalDocumentation { description?: string; url?: string }
export interface ApiextensionsV1JSONSchemaProps { "$ref"?: string; "$schema"?: string; additionalItems?: unknown; additionalProperties?: unknown; allOf?: Array<ApiextensionsV1JSONSchemaProps>; anyOf?: Array<ApiextensionsV1JSONSchemaProps>; default?: unknown; definitions?: Record<string, ApiextensionsV1JSONSchemaProps>; dependencies?: Record<string, unknown>; description?: string; enum?: Array<unknown>; example?: unknown; exclusiveMaximum?: boolean; exclusiveMinimum?: boolean; externalDocs?: ApiextensionsV1ExternalDocumentation; format?: string; id?: string; items?: unknown; maxItems?: number; maxLength?: number; maxProperties?: number; maximum?: number; minItems?: number; minLength?: number; minProperties?: number; minimum?: number; multipleOf?: number; not?: ApiextensionsV1JSONSchemaProps; nullable?: boolean; oneOf?: Array<ApiextensionsV1JSONSchemaProps>; pattern?: string; patternProperties?: Record<string, ApiextensionsV1JSONSchemaProps>; properties?: Record<string, ApiextensionsV1JSONSchemaProps>; required?: Array<string>; title?: string; type?: string; uniqueItems?: boolean; "x-kubernetes-embedded-resource"?: boolean; "x-kubernetes-int-or-string"?: boolean; "x-kubernetes-list-map-keys"?: Array<string>; "x-kubernetes-list-type"?: string; "x-kubernetes-map-type"?: string; "x-kubernetes-preserve-unknown-fields"?: boolean; "x-kubernetes-validations"?: Array<ApiextensionsV1ValidationRule> }
export interface ApiextensionsV1SelectableField { jsonPath: string }
export interface ApiextensionsV1ServiceReference { name: string; namespace: string; path?: string; port?: number }
export interface ApiextensionsV1ValidationRule { fieldPath?: string; message?: string; messageExpression?: string; optionalOldSelf?: boolean; reason?: string; rule: string }
export interface ApiextensionsV1WebhookClientConfig { caBundle?: string; service?: ApiextensionsV1ServiceReference; url?: string }
export interface ApiextensionsV1WebhookConversion { clientConfig?: ApiextensionsV1WebhookClientConfig; conversionReviewVersions: Array<string> }
export interface AppsV1ControllerRevision { apiVersion?: string; data?: Record<string, unknown>; kind?: string; metadata?: MetaV1ObjectMeta; revision: number }
export interface AppsV1DaemonSet { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: AppsV1DaemonSetSpec; status?: AppsV1DaemonSetStatus }
export interface AppsV1DaemonSetCondition { lastTransitionTime?: string; message?: string; reason?: string; status: string; type: string }
export interface AppsV1DaemonSetSpec { minReadySeconds?: number; revisionHistoryLimit?: number; selector: MetaV1LabelSelector; template: CoreV1PodTemplateSpec; updateStrategy?: AppsV1DaemonSetUpdateStrategy }
export interface AppsV1DaemonSetStatus { collisionCount?: number; conditions?: Array<AppsV1DaemonSetCondition>; currentNumberScheduled: number; desiredNumberScheduled: number; numberAvailable?: number; numberMisscheduled: number; numberReady: number; numberUnavailable?: number; observedGeneration?: number; updatedNumberScheduled?: number }
export interface AppsV1DaemonSetUpdateStrategy { rollingUpdate?: AppsV1RollingUpdateDaemonSet; type?: string }
export interface AppsV1Deployment { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: AppsV1DeploymentSpec; status?: AppsV1DeploymentStatus }
export interface AppsV1DeploymentCondition { lastTransitionTime?: string; lastUpdateTime?: string; message?: string; reason?: string; status: string; type: string }
export interface AppsV1DeploymentSpec { minReadySeconds?: number; paused?: boolean; progressDeadlineSeconds?: number; replicas?: number; revisionHistoryLimit?: number; selector: MetaV1LabelSelector; strategy?: AppsV1DeploymentStrategy; template: CoreV1PodTemplateSpec }
export interface AppsV1DeploymentStatus { availableReplicas?: number; collisionCount?: number; conditions?: Array<AppsV1DeploymentCondition>; observedGeneration?: number; readyReplicas?: number; replicas?: number; terminatingReplicas?: number; unavailableReplicas?: number; updatedReplicas?: number }
export interface AppsV1DeploymentStrategy { rollingUpdate?: AppsV1RollingUpdateDeployment; type?: string }
export interface AppsV1ReplicaSet { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: AppsV1ReplicaSetSpec; status?: AppsV1ReplicaSetStatus }
export interface AppsV1ReplicaSetCondition { lastTransitionTime?: string; message?: string; reason?: string; status: string; type: string }
export interface AppsV1ReplicaSetSpec { minReadySeconds?: number; replicas?: number; selector: MetaV1LabelSelector; template?: CoreV1PodTemplateSpec }
export interface AppsV1ReplicaSetStatus { availableReplicas?: number; conditions?: Array<AppsV1ReplicaSetCondition>; fullyLabeledReplicas?: number; observedGeneration?: number; readyReplicas?: number; replicas: number; terminatingReplicas?: number }
export interface AppsV1RollingUpdateDaemonSet { maxSurge?: number | string; maxUnavailable?: number | string }
export interface AppsV1RollingUpdateDeployment { maxSurge?: number | string; maxUnavailable?: number | string }
export interface AppsV1RollingUpdateStatefulSetStrategy { maxUnavailable?: number | string; partition?: number }
export interface AppsV1StatefulSet { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: AppsV1StatefulSetSpec; status?: AppsV1StatefulSetStatus }
export interface AppsV1StatefulSetCondition { lastTransitionTime?: string; message?: string; reason?: string; status: string; type: string }
export interface AppsV1StatefulSetOrdinals { start?: number }
export interface AppsV1StatefulSetPersistentVolumeClaimRetentionPolicy { whenDeleted?: string; whenScaled?: string }
export interface AppsV1StatefulSetSpec { minReadySeconds?: number; ordinals?: AppsV1StatefulSetOrdinals; persistentVolumeClaimRetentionPolicy?: AppsV1StatefulSetPersistentVolumeClaimRetentionPolicy; podManagementPolicy?: string; replicas?: number; revisionHistoryLimit?: number; selector: MetaV1LabelSelector; serviceName?: string; template: CoreV1PodTemplateSpec; updateStrategy?: AppsV1StatefulSetUpdateStrategy; volumeClaimTemplates?: Array<CoreV1PersistentVolumeClaim> }
export interface AppsV1StatefulSetStatus { availableReplicas?: number; collisionCount?: number; conditions?: Array<AppsV1StatefulSetCondition>; currentReplicas?: number; currentRevision?: string; observedGeneration?: number; readyReplicas?: number; replicas: number; updateRevision?: string; updatedReplicas?: number }
export interface AppsV1StatefulSetUpdateStrategy { rollingUpdate?: AppsV1RollingUpdateStatefulSetStrategy; type?: string }
export interface AuthenticationV1SelfSubjectReview { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; status?: AuthenticationV1SelfSubjectReviewStatus }
export interface AuthenticationV1SelfSubjectReviewStatus { userInfo?: AuthenticationV1UserInfo }
export interface AuthenticationV1UserInfo { extra?: Record<string, Array<string>>; groups?: Array<string>; uid?: string; username?: string }
export interface AuthorizationV1FieldSelectorAttributes { rawSelector?: string; requirements?: Array<MetaV1FieldSelectorRequirement> }
export interface AuthorizationV1LabelSelectorAttributes { rawSelector?: string; requirements?: Array<MetaV1LabelSelectorRequirement> }
export interface AuthorizationV1NonResourceAttributes { path?: string; verb?: string }
export interface AuthorizationV1NonResourceRule { nonResourceURLs?: Array<string>; verbs: Array<string> }
export interface AuthorizationV1ResourceAttributes { fieldSelector?: AuthorizationV1FieldSelectorAttributes; group?: string; labelSelector?: AuthorizationV1LabelSelectorAttributes; name?: string; namespace?: string; resource?: string; subresource?: string; verb?: string; version?: string }
export interface AuthorizationV1ResourceRule { apiGroups?: Array<string>; resourceNames?: Array<string>; resources?: Array<string>; verbs: Array<string> }
export interface AuthorizationV1SelfSubjectAccessReview { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec: AuthorizationV1SelfSubjectAccessReviewSpec; status?: AuthorizationV1SubjectAccessReviewStatus }
export interface AuthorizationV1SelfSubjectAccessReviewSpec { nonResourceAttributes?: AuthorizationV1NonResourceAttributes; resourceAttributes?: AuthorizationV1ResourceAttributes }
export interface AuthorizationV1SelfSubjectRulesReview { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec: AuthorizationV1SelfSubjectRulesReviewSpec; status?: AuthorizationV1SubjectRulesReviewStatus }
export interface AuthorizationV1SelfSubjectRulesReviewSpec { namespace?: string }
export interface AuthorizationV1SubjectAccessReviewStatus { allowed: boolean; denied?: boolean; evaluationError?: string; reason?: string }
export interface AuthorizationV1SubjectRulesReviewStatus { evaluationError?: string; incomplete: boolean; nonResourceRules: Array<AuthorizationV1NonResourceRule>; resourceRules: Array<AuthorizationV1ResourceRule> }
export interface AutoscalingV1CrossVersionObjectReference { apiVersion?: string; kind: string; name: string }
export interface AutoscalingV1HorizontalPodAutoscaler { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec: AutoscalingV1HorizontalPodAutoscalerSpec; status?: AutoscalingV1HorizontalPodAutoscalerStatus }
export interface AutoscalingV1HorizontalPodAutoscalerSpec { maxReplicas: number; minReplicas?: number; scaleTargetRef: AutoscalingV1CrossVersionObjectReference; targetCPUUtilizationPercentage?: number }
export interface AutoscalingV1HorizontalPodAutoscalerStatus { currentCPUUtilizationPercentage?: number; currentReplicas: number; desiredReplicas: number; lastScaleTime?: string; observedGeneration?: number }
export interface AutoscalingV1Scale { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: AutoscalingV1ScaleSpec; status?: AutoscalingV1ScaleStatus }
export interface AutoscalingV1ScaleSpec { replicas?: number }
export interface AutoscalingV1ScaleStatus { replicas: number; selector?: string }
export interface AutoscalingV2ContainerResourceMetricSource { container: string; name: string; target: AutoscalingV2MetricTarget }
export interface AutoscalingV2ContainerResourceMetricStatus { container: string; current: AutoscalingV2MetricValueStatus; name: string }
export interface AutoscalingV2CrossVersionObjectReference { apiVersion?: string; kind: string; name: string }
export interface AutoscalingV2ExternalMetricSource { metric: AutoscalingV2MetricIdentifier; target: AutoscalingV2MetricTarget }
export interface AutoscalingV2ExternalMetricStatus { current: AutoscalingV2MetricValueStatus; metric: AutoscalingV2MetricIdentifier }
export interface AutoscalingV2HPAScalingPolicy { periodSeconds: number; type: string; value: number }
export interface AutoscalingV2HPAScalingRules { policies?: Array<AutoscalingV2HPAScalingPolicy>; selectPolicy?: string; stabilizationWindowSeconds?: number; tolerance?: string | number }
export interface AutoscalingV2HorizontalPodAutoscaler { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec: AutoscalingV2HorizontalPodAutoscalerSpec; status?: AutoscalingV2HorizontalPodAutoscalerStatus }
export interface AutoscalingV2HorizontalPodAutoscalerBehavior { scaleDown?: AutoscalingV2HPAScalingRules; scaleUp?: AutoscalingV2HPAScalingRules }
export interface AutoscalingV2HorizontalPodAutoscalerCondition { lastTransitionTime?: string; message?: string; reason?: string; status: string; type: string }
export interface AutoscalingV2HorizontalPodAutoscalerSpec { behavior?: AutoscalingV2HorizontalPodAutoscalerBehavior; maxReplicas: number; metrics?: Array<AutoscalingV2MetricSpec>; minReplicas?: number; scaleTargetRef: AutoscalingV2CrossVersionObjectReference }
export interface AutoscalingV2HorizontalPodAutoscalerStatus { conditions?: Array<AutoscalingV2HorizontalPodAutoscalerCondition>; currentMetrics?: Array<AutoscalingV2MetricStatus>; currentReplicas?: number; desiredReplicas: number; lastScaleTime?: string; observedGeneration?: number }
export interface AutoscalingV2MetricIdentifier { name: string; selector?: MetaV1LabelSelector }
export interface AutoscalingV2MetricSpec { containerResource?: AutoscalingV2ContainerResourceMetricSource; external?: AutoscalingV2ExternalMetricSource; object?: AutoscalingV2ObjectMetricSource; pods?: AutoscalingV2PodsMetricSource; resource?: AutoscalingV2ResourceMetricSource; type: string }
export interface AutoscalingV2MetricStatus { containerResource?: AutoscalingV2ContainerResourceMetricStatus; external?: AutoscalingV2ExternalMetricStatus; object?: AutoscalingV2ObjectMetricStatus; pods?: AutoscalingV2PodsMetricStatus; resource?: AutoscalingV2ResourceMetricStatus; type: string }
export interface AutoscalingV2MetricTarget { averageUtilization?: number; averageValue?: string | number; type: string; value?: string | number }
export interface AutoscalingV2MetricValueStatus { averageUtilization?: number; averageValue?: string | number; value?: string | number }
export interface AutoscalingV2ObjectMetricSource { describedObject: AutoscalingV2CrossVersionObjectReference; metric: AutoscalingV2MetricIdentifier; target: AutoscalingV2MetricTarget }
export interface AutoscalingV2ObjectMetricStatus { current: AutoscalingV2MetricValueStatus; describedObject: AutoscalingV2CrossVersionObjectReference; metric: AutoscalingV2MetricIdentifier }
export interface AutoscalingV2PodsMetricSource { metric: AutoscalingV2MetricIdentifier; target: AutoscalingV2MetricTarget }
export interface AutoscalingV2PodsMetricStatus { current: AutoscalingV2MetricValueStatus; metric: AutoscalingV2MetricIdentifier }
export interface AutoscalingV2ResourceMetricSource { name: string; target: AutoscalingV2MetricTarget }
export interface AutoscalingV2ResourceMetricStatus { current: AutoscalingV2MetricValueStatus; name: string }
export interface BatchV1CronJob { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec: BatchV1CronJobSpec; status?: BatchV1CronJobStatus }
export interface BatchV1CronJobSpec { concurrencyPolicy?: string; failedJobsHistoryLimit?: number; jobTemplate: BatchV1JobTemplateSpec; schedule: string; startingDeadlineSeconds?: number; successfulJobsHistoryLimit?: number; suspend?: boolean; timeZone?: string }
export interface BatchV1CronJobStatus { active?: Array<CoreV1ObjectReference>; lastScheduleTime?: string; lastSuccessfulTime?: string }
export interface BatchV1Job { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: BatchV1JobSpec; status?: BatchV1JobStatus }
export interface BatchV1JobCondition { lastProbeTime?: string; lastTransitionTime?: string; message?: string; reason?: string; status: string; type: string }
export interface BatchV1JobSpec { activeDeadlineSeconds?: number; backoffLimit?: number; backoffLimitPerIndex?: number; completionMode?: string; completions?: number; managedBy?: string; manualSelector?: boolean; maxFailedIndexes?: number; parallelism?: number; podFailurePolicy?: BatchV1PodFailurePolicy; podReplacementPolicy?: string; selector?: MetaV1LabelSelector; successPolicy?: BatchV1SuccessPolicy; suspend?: boolean; template: CoreV1PodTemplateSpec; ttlSecondsAfterFinished?: number }
export interface BatchV1JobStatus { active?: number; completedIndexes?: string; completionTime?: string; conditions?: Array<BatchV1JobCondition>; failed?: number; failedIndexes?: string; ready?: number; startTime?: string; succeeded?: number; terminating?: number; uncountedTerminatedPods?: BatchV1UncountedTerminatedPods }
export interface BatchV1JobTemplateSpec { metadata?: MetaV1ObjectMeta; spec?: BatchV1JobSpec }
export interface BatchV1PodFailurePolicy { rules: Array<BatchV1PodFailurePolicyRule> }
export interface BatchV1PodFailurePolicyOnExitCodesRequirement { containerName?: string; operator: string; values: Array<number> }
export interface BatchV1PodFailurePolicyOnPodConditionsPattern { status?: string; type: string }
export interface BatchV1PodFailurePolicyRule { action: string; onExitCodes?: BatchV1PodFailurePolicyOnExitCodesRequirement; onPodConditions?: Array<BatchV1PodFailurePolicyOnPodConditionsPattern> }
export interface BatchV1SuccessPolicy { rules: Array<BatchV1SuccessPolicyRule> }
export interface BatchV1SuccessPolicyRule { succeededCount?: number; succeededIndexes?: string }
export interface BatchV1UncountedTerminatedPods { failed?: Array<string>; succeeded?: Array<string> }
export interface CoordinationV1Lease { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: CoordinationV1LeaseSpec }
export interface CoordinationV1LeaseSpec { acquireTime?: string; holderIdentity?: string; leaseDurationSeconds?: number; leaseTransitions?: number; preferredHolder?: string; renewTime?: string; strategy?: string }
export interface CoreV1AWSElasticBlockStoreVolumeSource { fsType?: string; partition?: number; readOnly?: boolean; volumeID: string }
export interface CoreV1Affinity { nodeAffinity?: CoreV1NodeAffinity; podAffinity?: CoreV1PodAffinity; podAntiAffinity?: CoreV1PodAntiAffinity }
export interface CoreV1AppArmorProfile { localhostProfile?: string; type: string }
export interface CoreV1AttachedVolume { devicePath: string; name: string }
export interface CoreV1AzureDiskVolumeSource { cachingMode?: string; diskName: string; diskURI: string; fsType?: string; kind?: string; readOnly?: boolean }
export interface CoreV1AzureFilePersistentVolumeSource { readOnly?: boolean; secretName: string; secretNamespace?: string; shareName: string }
export interface CoreV1AzureFileVolumeSource { readOnly?: boolean; secretName: string; shareName: string }
export interface CoreV1Binding { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; target: CoreV1ObjectReference }
export interface CoreV1CSIPersistentVolumeSource { controllerExpandSecretRef?: CoreV1SecretReference; controllerPublishSecretRef?: CoreV1SecretReference; driver: string; fsType?: string; nodeExpandSecretRef?: CoreV1SecretReference; nodePublishSecretRef?: CoreV1SecretReference; nodeStageSecretRef?: CoreV1SecretReference; readOnly?: boolean; volumeAttributes?: Record<string, string>; volumeHandle: string }
export interface CoreV1CSIVolumeSource { driver: string; fsType?: string; nodePublishSecretRef?: CoreV1LocalObjectReference; readOnly?: boolean; volumeAttributes?: Record<string, string> }
export interface CoreV1Capabilities { add?: Array<string>; drop?: Array<string> }
export interface CoreV1CephFSPersistentVolumeSource { monitors: Array<string>; path?: string; readOnly?: boolean; secretFile?: string; secretRef?: CoreV1SecretReference; user?: string }
export interface CoreV1CephFSVolumeSource { monitors: Array<string>; path?: string; readOnly?: boolean; secretFile?: string; secretRef?: CoreV1LocalObjectReference; user?: string }
export interface CoreV1CinderPersistentVolumeSource { fsType?: string; readOnly?: boolean; secretRef?: CoreV1SecretReference; volumeID: string }
export interface CoreV1CinderVolumeSource { fsType?: string; readOnly?: boolean; secretRef?: CoreV1LocalObjectReference; volumeID: string }
export interface CoreV1ClientIPConfig { timeoutSeconds?: number }
export interface CoreV1ClusterTrustBundleProjection { labelSelector?: MetaV1LabelSelector; name?: string; optional?: boolean; path: string; signerName?: string }
export interface CoreV1ConfigMap { apiVersion?: string; binaryData?: Record<string, string>; data?: Record<string, string>; immutable?: boolean; kind?: string; metadata?: MetaV1ObjectMeta }
export interface CoreV1ConfigMapEnvSource { name?: string; optional?: boolean }
export interface CoreV1ConfigMapKeySelector { key: string; name?: string; optional?: boolean }
export interface CoreV1ConfigMapNodeConfigSource { kubeletConfigKey: string; name: string; namespace: string; resourceVersion?: string; uid?: string }
export interface CoreV1ConfigMapProjection { items?: Array<CoreV1KeyToPath>; name?: string; optional?: boolean }
export interface CoreV1ConfigMapVolumeSource { defaultMode?: number; items?: Array<CoreV1KeyToPath>; name?: string; optional?: boolean }
export interface CoreV1Container { args?: Array<string>; command?: Array<string>; env?: Array<CoreV1EnvVar>; envFrom?: Array<CoreV1EnvFromSource>; image?: string; imagePullPolicy?: string; lifecycle?: CoreV1Lifecycle; livenessProbe?: CoreV1Probe; name: string; ports?: Array<CoreV1ContainerPort>; readinessProbe?: CoreV1Probe; resizePolicy?: Array<CoreV1ContainerResizePolicy>; resources?: CoreV1ResourceRequirements; restartPolicy?: string; restartPolicyRules?: Array<CoreV1ContainerRestartRule>; securityContext?: CoreV1SecurityContext; startupProbe?: CoreV1Probe; stdin?: boolean; stdinOnce?: boolean; terminationMessagePath?: string; terminationMessagePolicy?: string; tty?: boolean; volumeDevices?: Array<CoreV1VolumeDevice>; volumeMounts?: Array<CoreV1VolumeMount>; workingDir?: string }
export interface CoreV1ContainerExtendedResourceRequest { containerName: string; requestName: string; resourceName: string }
export interface CoreV1ContainerImage { names?: Array<string>; sizeBytes?: number }
export interface CoreV1ContainerPort { containerPort: number; hostIP?: string; hostPort?: number; name?: string; protocol?: string }
export interface CoreV1ContainerResizePolicy { resourceName: string; restartPolicy: string }
export interface CoreV1ContainerRestartRule { action: string; exitCodes?: CoreV1ContainerRestartRuleOnExitCodes }
export interface CoreV1ContainerRestartRuleOnExitCodes { operator: string; values?: Array<number> }
export interface CoreV1ContainerState { running?: CoreV1ContainerStateRunning; terminated?: CoreV1ContainerStateTerminated; waiting?: CoreV1ContainerStateWaiting }
export interface CoreV1ContainerStateRunning { startedAt?: string }
export interface CoreV1ContainerStateTerminated { containerID?: string; exitCode: number; finishedAt?: string; message?: string; reason?: string; signal?: number; startedAt?: string }
export interface CoreV1ContainerStateWaiting { message?: string; reason?: string }
export interface CoreV1ContainerStatus { allocatedResources?: Record<string, string | number>; allocatedResourcesStatus?: Array<CoreV1ResourceStatus>; containerID?: string; image: string; imageID: string; lastState?: CoreV1ContainerState; name: string; ready: boolean; resources?: CoreV1ResourceRequirements; restartCount: number; started?: boolean; state?: CoreV1ContainerState; stopSignal?: string; user?: CoreV1ContainerUser; volumeMounts?: Array<CoreV1VolumeMountStatus> }
export interface CoreV1ContainerUser { linux?: CoreV1LinuxContainerUser }
export interface CoreV1DaemonEndpoint { Port: number }
export interface CoreV1DownwardAPIProjection { items?: Array<CoreV1DownwardAPIVolumeFile> }
export interface CoreV1DownwardAPIVolumeFile { fieldRef?: CoreV1ObjectFieldSelector; mode?: number; path: string; resourceFieldRef?: CoreV1ResourceFieldSelector }
export interface CoreV1DownwardAPIVolumeSource { defaultMode?: number; items?: Array<CoreV1DownwardAPIVolumeFile> }
export interface CoreV1EmptyDirVolumeSource { medium?: string; sizeLimit?: string | number }
export interface CoreV1EndpointAddress { hostname?: string; ip: string; nodeName?: string; targetRef?: CoreV1ObjectReference }
export interface CoreV1EndpointPort { appProtocol?: string; name?: string; port: number; protocol?: string }
export interface CoreV1EndpointSubset { addresses?: Array<CoreV1EndpointAddress>; notReadyAddresses?: Array<CoreV1EndpointAddress>; ports?: Array<CoreV1EndpointPort> }
export interface CoreV1Endpoints { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; subsets?: Array<CoreV1EndpointSubset> }
export interface CoreV1EnvFromSource { configMapRef?: CoreV1ConfigMapEnvSource; prefix?: string; secretRef?: CoreV1SecretEnvSource }
export interface CoreV1EnvVar { name: string; value?: string; valueFrom?: CoreV1EnvVarSource }
export interface CoreV1EnvVarSource { configMapKeyRef?: CoreV1ConfigMapKeySelector; fieldRef?: CoreV1ObjectFieldSelector; fileKeyRef?: CoreV1FileKeySelector; resourceFieldRef?: CoreV1ResourceFieldSelector; secretKeyRef?: CoreV1SecretKeySelector }
export interface CoreV1EphemeralContainer { args?: Array<string>; command?: Array<string>; env?: Array<CoreV1EnvVar>; envFrom?: Array<CoreV1EnvFromSource>; image?: string; imagePullPolicy?: string; lifecycle?: CoreV1Lifecycle; livenessProbe?: CoreV1Probe; name: string; ports?: Array<CoreV1ContainerPort>; readinessProbe?: CoreV1Probe; resizePolicy?: Array<CoreV1ContainerResizePolicy>; resources?: CoreV1ResourceRequirements; restartPolicy?: string; restartPolicyRules?: Array<CoreV1ContainerRestartRule>; securityContext?: CoreV1SecurityContext; startupProbe?: CoreV1Probe; stdin?: boolean; stdinOnce?: boolean; targetContainerName?: string; terminationMessagePath?: string; terminationMessagePolicy?: string; tty?: boolean; volumeDevices?: Array<CoreV1VolumeDevice>; volumeMounts?: Array<CoreV1VolumeMount>; workingDir?: string }
export interface CoreV1EphemeralVolumeSource { volumeClaimTemplate?: CoreV1PersistentVolumeClaimTemplate }
export interface CoreV1Event { action?: string; apiVersion?: string; count?: number; eventTime?: string; firstTimestamp?: string; involvedObject: CoreV1ObjectReference; kind?: string; lastTimestamp?: string; message?: string; metadata: MetaV1ObjectMeta; reason?: string; related?: CoreV1ObjectReference; reportingComponent?: string; reportingInstance?: string; series?: CoreV1EventSeries; source?: CoreV1EventSource; type?: string }
export interface CoreV1EventSeries { count?: number; lastObservedTime?: string }
export interface CoreV1EventSource { component?: string; host?: string }
export interface CoreV1ExecAction { command?: Array<string> }
export interface CoreV1FCVolumeSource { fsType?: string; lun?: number; readOnly?: boolean; targetWWNs?: Array<string>; wwids?: Array<string> }
export interface CoreV1FileKeySelector { key: string; optional?: boolean; path: string; volumeName: string }
export interface CoreV1FlexPersistentVolumeSource { driver: string; fsType?: string; options?: Record<string, string>; readOnly?: boolean; secretRef?: CoreV1SecretReference }
export interface CoreV1FlexVolumeSource { driver: string; fsType?: string; options?: Record<string, string>; readOnly?: boolean; secretRef?: CoreV1LocalObjectReference }
export interface CoreV1FlockerVolumeSource { datasetName?: string; datasetUUID?: string }
export interface CoreV1GCEPersistentDiskVolumeSource { fsType?: string; partition?: number; pdName: string; readOnly?: boolean }
export interface CoreV1GRPCAction { port: number; service?: string }
export interface CoreV1GitRepoVolumeSource { directory?: string; repository: string; revision?: string }
export interface CoreV1GlusterfsPersistentVolumeSource { endpoints: string; endpointsNamespace?: string; path: string; readOnly?: boolean }
export interface CoreV1GlusterfsVolumeSource { endpoints: string; path: string; readOnly?: boolean }
export interface CoreV1HTTPGetAction { host?: string; httpHeaders?: Array<CoreV1HTTPHeader>; path?: string; port: number | string; scheme?: string }
export interface CoreV1HTTPHeader { name: string; value: string }
export interface CoreV1HostAlias { hostnames?: Array<string>; ip: string }
export interface CoreV1HostIP { ip: string }
export interface CoreV1HostPathVolumeSource { path: string; type?: string }
export interface CoreV1ISCSIPersistentVolumeSource { chapAuthDiscovery?: boolean; chapAuthSession?: boolean; fsType?: string; initiatorName?: string; iqn: string; iscsiInterface?: string; lun: number; portals?: Array<string>; readOnly?: boolean; secretRef?: CoreV1SecretReference; targetPortal: string }
export interface CoreV1ISCSIVolumeSource { chapAuthDiscovery?: boolean; chapAuthSession?: boolean; fsType?: string; initiatorName?: string; iqn: string; iscsiInterface?: string; lun: number; portals?: Array<string>; readOnly?: boolean; secretRef?: CoreV1LocalObjectReference; targetPortal: string }
export interface CoreV1ImageVolumeSource { pullPolicy?: string; reference?: string }
export interface CoreV1ImageVolumeStatus { imageRef: string }
export interface CoreV1KeyToPath { key: string; mode?: number; path: string }
export interface CoreV1Lifecycle { postStart?: CoreV1LifecycleHandler; preStop?: CoreV1LifecycleHandler; stopSignal?: string }
export interface CoreV1LifecycleHandler { exec?: CoreV1ExecAction; httpGet?: CoreV1HTTPGetAction; sleep?: CoreV1SleepAction; tcpSocket?: CoreV1TCPSocketAction }
export interface CoreV1LimitRange { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: CoreV1LimitRangeSpec }
export interface CoreV1LimitRangeItem { default?: Record<string, string | number>; defaultRequest?: Record<string, string | number>; max?: Record<string, string | number>; maxLimitRequestRatio?: Record<string, string | number>; min?: Record<string, string | number>; type: string }
export interface CoreV1LimitRangeSpec { limits: Array<CoreV1LimitRangeItem> }
export interface CoreV1LinuxContainerUser { gid: number; supplementalGroups?: Array<number>; uid: number }
export interface CoreV1LoadBalancerIngress { hostname?: string; ip?: string; ipMode?: string; ports?: Array<CoreV1PortStatus> }
export interface CoreV1LoadBalancerStatus { ingress?: Array<CoreV1LoadBalancerIngress> }
export interface CoreV1LocalObjectReference { name?: string }
export interface CoreV1LocalVolumeSource { fsType?: string; path: string }
export interface CoreV1ModifyVolumeStatus { status: string; targetVolumeAttributesClassName?: string }
export interface CoreV1NFSVolumeSource { path: string; readOnly?: boolean; server: string }
export interface CoreV1Namespace { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: CoreV1NamespaceSpec; status?: CoreV1NamespaceStatus }
export interface CoreV1NamespaceCondition { lastTransitionTime?: string; message?: string; reason?: string; status: string; type: string }
export interface CoreV1NamespaceSpec { finalizers?: Array<string> }
export interface CoreV1NamespaceStatus { conditions?: Array<CoreV1NamespaceCondition>; phase?: string }
export interface CoreV1Node { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: CoreV1NodeSpec; status?: CoreV1NodeStatus }
export interface CoreV1NodeAddress { address: string; type: string }
export interface CoreV1NodeAffinity { preferredDuringSchedulingIgnoredDuringExecution?: Array<CoreV1PreferredSchedulingTerm>; requiredDuringSchedulingIgnoredDuringExecution?: CoreV1NodeSelector }
export interface CoreV1NodeAllocatableResourceClaimStatus { containers?: Array<string>; resourceClaimName: string; resources: Record<string, string | number> }
export interface CoreV1NodeCondition { lastHeartbeatTime?: string; lastTransitionTime?: string; message?: string; reason?: string; status: string; type: string }
export interface CoreV1NodeConfigSource { configMap?: CoreV1ConfigMapNodeConfigSource }
export interface CoreV1NodeConfigStatus { active?: CoreV1NodeConfigSource; assigned?: CoreV1NodeConfigSource; error?: string; lastKnownGood?: CoreV1NodeConfigSource }
export interface CoreV1NodeDaemonEndpoints { kubeletEndpoint?: CoreV1DaemonEndpoint }
export interface CoreV1NodeFeatures { supplementalGroupsPolicy?: boolean }
export interface CoreV1NodeRuntimeHandler { features?: CoreV1NodeRuntimeHandlerFeatures; name?: string }
export interface CoreV1NodeRuntimeHandlerFeatures { recursiveReadOnlyMounts?: boolean; userNamespaces?: boolean }
export interface CoreV1NodeSelector { nodeSelectorTerms: Array<CoreV1NodeSelectorTerm> }
export interface CoreV1NodeSelectorRequirement { key: string; operator: string; values?: Array<string> }
export interface CoreV1NodeSelectorTerm { matchExpressions?: Array<CoreV1NodeSelectorRequirement>; matchFields?: Array<CoreV1NodeSelectorRequirement> }
export interface CoreV1NodeSpec { configSource?: CoreV1NodeConfigSource; externalID?: string; podCIDR?: string; podCIDRs?: Array<string>; providerID?: string; taints?: Array<CoreV1Taint>; unschedulable?: boolean }
export interface CoreV1NodeStatus { addresses?: Array<CoreV1NodeAddress>; allocatable?: Record<string, string | number>; capacity?: Record<string, string | number>; conditions?: Array<CoreV1NodeCondition>; config?: CoreV1NodeConfigStatus; daemonEndpoints?: CoreV1NodeDaemonEndpoints; declaredFeatures?: Array<string>; features?: CoreV1NodeFeatures; images?: Array<CoreV1ContainerImage>; nodeInfo?: CoreV1NodeSystemInfo; phase?: string; runtimeHandlers?: Array<CoreV1NodeRuntimeHandler>; volumesAttached?: Array<CoreV1AttachedVolume>; volumesInUse?: Array<string> }
export interface CoreV1NodeSwapStatus { capacity?: number }
export interface CoreV1NodeSystemInfo { architecture: string; bootID: string; containerRuntimeVersion: string; kernelVersion: string; kubeProxyVersion: string; kubeletVersion: string; machineID: string; operatingSystem: string; osImage: string; swap?: CoreV1NodeSwapStatus; systemUUID: string }
export interface CoreV1ObjectFieldSelector { apiVersion?: string; fieldPath: string }
export interface CoreV1ObjectReference { apiVersion?: string; fieldPath?: string; kind?: string; name?: string; namespace?: string; resourceVersion?: string; uid?: string }
export interface CoreV1PersistentVolume { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: CoreV1PersistentVolumeSpec; status?: CoreV1PersistentVolumeStatus }
export interface CoreV1PersistentVolumeClaim { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: CoreV1PersistentVolumeClaimSpec; status?: CoreV1PersistentVolumeClaimStatus }
export interface CoreV1PersistentVolumeClaimCondition { lastProbeTime?: string; lastTransitionTime?: string; message?: string; reason?: string; status: string; type: string }
export interface CoreV1PersistentVolumeClaimSpec { accessModes?: Array<string>; dataSource?: CoreV1TypedLocalObjectReference; dataSourceRef?: CoreV1TypedObjectReference; resources?: CoreV1VolumeResourceRequirements; selector?: MetaV1LabelSelector; storageClassName?: string; volumeAttributesClassName?: string; volumeMode?: string; volumeName?: string }
export interface CoreV1PersistentVolumeClaimStatus { accessModes?: Array<string>; allocatedResourceStatuses?: Record<string, string>; allocatedResources?: Record<string, string | number>; capacity?: Record<string, string | number>; conditions?: Array<CoreV1PersistentVolumeClaimCondition>; currentVolumeAttributesClassName?: string; modifyVolumeStatus?: CoreV1ModifyVolumeStatus; phase?: string }
export interface CoreV1PersistentVolumeClaimTemplate { metadata?: MetaV1ObjectMeta; spec: CoreV1PersistentVolumeClaimSpec }
export interface CoreV1PersistentVolumeClaimVolumeSource { claimName: string; readOnly?: boolean }
export interface CoreV1PersistentVolumeSpec { accessModes?: Array<string>; awsElasticBlockStore?: CoreV1AWSElasticBlockStoreVolumeSource; azureDisk?: CoreV1AzureDiskVolumeSource; azureFile?: CoreV1AzureFilePersistentVolumeSource; capacity?: Record<string, string | number>; cephfs?: CoreV1CephFSPersistentVolumeSource; cinder?: CoreV1CinderPersistentVolumeSource; claimRef?: CoreV1ObjectReference; csi?: CoreV1CSIPersistentVolumeSource; fc?: CoreV1FCVolumeSource; flexVolume?: CoreV1FlexPersistentVolumeSource; flocker?: CoreV1FlockerVolumeSource; gcePersistentDisk?: CoreV1GCEPersistentDiskVolumeSource; glusterfs?: CoreV1GlusterfsPersistentVolumeSource; hostPath?: CoreV1HostPathVolumeSource; iscsi?: CoreV1ISCSIPersistentVolumeSource; local?: CoreV1LocalVolumeSource; mountOptions?: Array<string>; nfs?: CoreV1NFSVolumeSource; nodeAffinity?: CoreV1VolumeNodeAffinity; persistentVolumeReclaimPolicy?: string; photonPersistentDisk?: CoreV1PhotonPersistentDiskVolumeSource; portworxVolume?: CoreV1PortworxVolumeSource; quobyte?: CoreV1QuobyteVolumeSource; rbd?: CoreV1RBDPersistentVolumeSource; scaleIO?: CoreV1ScaleIOPersistentVolumeSource; storageClassName?: string; storageos?: CoreV1StorageOSPersistentVolumeSource; volumeAttributesClassName?: string; volumeMode?: string; vsphereVolume?: CoreV1VsphereVirtualDiskVolumeSource }
export interface CoreV1PersistentVolumeStatus { lastPhaseTransitionTime?: string; message?: string; phase?: string; reason?: string }
export interface CoreV1PhotonPersistentDiskVolumeSource { fsType?: string; pdID: string }
export interface CoreV1Pod { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: CoreV1PodSpec; status?: CoreV1PodStatus }
export interface CoreV1PodAffinity { preferredDuringSchedulingIgnoredDuringExecution?: Array<CoreV1WeightedPodAffinityTerm>; requiredDuringSchedulingIgnoredDuringExecution?: Array<CoreV1PodAffinityTerm> }
export interface CoreV1PodAffinityTerm { labelSelector?: MetaV1LabelSelector; matchLabelKeys?: Array<string>; mismatchLabelKeys?: Array<string>; namespaceSelector?: MetaV1LabelSelector; namespaces?: Array<string>; topologyKey: string }
export interface CoreV1PodAntiAffinity { preferredDuringSchedulingIgnoredDuringExecution?: Array<CoreV1WeightedPodAffinityTerm>; requiredDuringSchedulingIgnoredDuringExecution?: Array<CoreV1PodAffinityTerm> }
export interface CoreV1PodCertificateProjection { certificateChainPath?: string; credentialBundlePath?: string; keyPath?: string; keyType: string; maxExpirationSeconds?: number; signerName: string; userAnnotations?: Record<string, string> }
export interface CoreV1PodCondition { lastProbeTime?: string; lastTransitionTime?: string; message?: string; observedGeneration?: number; reason?: string; status: string; type: string }
export interface CoreV1PodDNSConfig { nameservers?: Array<string>; options?: Array<CoreV1PodDNSConfigOption>; searches?: Array<string> }
export interface CoreV1PodDNSConfigOption { name?: string; value?: string }
export interface CoreV1PodExtendedResourceClaimStatus { requestMappings: Array<CoreV1ContainerExtendedResourceRequest>; resourceClaimName: string }
export interface CoreV1PodIP { ip: string }
export interface CoreV1PodOS { name: string }
export interface CoreV1PodReadinessGate { conditionType: string }
export interface CoreV1PodResourceClaim { name: string; resourceClaimName?: string; resourceClaimTemplateName?: string }
export interface CoreV1PodResourceClaimStatus { name: string; resourceClaimName?: string }
export interface CoreV1PodSchedulingGate { name: string }
export interface CoreV1PodSchedulingGroup { podGroupName?: string }
export interface CoreV1PodSecurityContext { appArmorProfile?: CoreV1AppArmorProfile; fsGroup?: number; fsGroupChangePolicy?: string; runAsGroup?: number; runAsNonRoot?: boolean; runAsUser?: number; seLinuxChangePolicy?: string; seLinuxOptions?: CoreV1SELinuxOptions; seccompProfile?: CoreV1SeccompProfile; supplementalGroups?: Array<number>; supplementalGroupsPolicy?: string; sysctls?: Array<CoreV1Sysctl>; windowsOptions?: CoreV1WindowsSecurityContextOptions }
export interface CoreV1PodSpec { activeDeadlineSeconds?: number; affinity?: CoreV1Affinity; automountServiceAccountToken?: boolean; containers: Array<CoreV1Container>; dnsConfig?: CoreV1PodDNSConfig; dnsPolicy?: string; enableServiceLinks?: boolean; ephemeralContainers?: Array<CoreV1EphemeralContainer>; hostAliases?: Array<CoreV1HostAlias>; hostIPC?: boolean; hostNetwork?: boolean; hostPID?: boolean; hostUsers?: boolean; hostname?: string; hostnameOverride?: string; imagePullSecrets?: Array<CoreV1LocalObjectReference>; initContainers?: Array<CoreV1Container>; nodeName?: string; nodeSelector?: Record<string, string>; os?: CoreV1PodOS; overhead?: Record<string, string | number>; preemptionPolicy?: string; priority?: number; priorityClassName?: string; readinessGates?: Array<CoreV1PodReadinessGate>; resourceClaims?: Array<CoreV1PodResourceClaim>; resources?: CoreV1ResourceRequirements; restartPolicy?: string; runtimeClassName?: string; schedulerName?: string; schedulingGates?: Array<CoreV1PodSchedulingGate>; schedulingGroup?: CoreV1PodSchedulingGroup; securityContext?: CoreV1PodSecurityContext; serviceAccount?: string; serviceAccountName?: string; setHostnameAsFQDN?: boolean; shareProcessNamespace?: boolean; subdomain?: string; terminationGracePeriodSeconds?: number; tolerations?: Array<CoreV1Toleration>; topologySpreadConstraints?: Array<CoreV1TopologySpreadConstraint>; volumes?: Array<CoreV1Volume> }
export interface CoreV1PodStatus { allocatedResources?: Record<string, string | number>; conditions?: Array<CoreV1PodCondition>; containerStatuses?: Array<CoreV1ContainerStatus>; ephemeralContainerStatuses?: Array<CoreV1ContainerStatus>; extendedResourceClaimStatus?: CoreV1PodExtendedResourceClaimStatus; hostIP?: string; hostIPs?: Array<CoreV1HostIP>; initContainerStatuses?: Array<CoreV1ContainerStatus>; message?: string; nodeAllocatableResourceClaimStatuses?: Array<CoreV1NodeAllocatableResourceClaimStatus>; nominatedNodeName?: string; observedGeneration?: number; phase?: string; podIP?: string; podIPs?: Array<CoreV1PodIP>; qosClass?: string; reason?: string; resize?: string; resourceClaimStatuses?: Array<CoreV1PodResourceClaimStatus>; resources?: CoreV1ResourceRequirements; startTime?: string }
export interface CoreV1PodTemplate { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; template?: CoreV1PodTemplateSpec }
export interface CoreV1PodTemplateSpec { metadata?: MetaV1ObjectMeta; spec?: CoreV1PodSpec }
export interface CoreV1PortStatus { error?: string; port: number; protocol: string }
export interface CoreV1PortworxVolumeSource { fsType?: string; readOnly?: boolean; volumeID: string }
export interface CoreV1PreferredSchedulingTerm { preference: CoreV1NodeSelectorTerm; weight: number }
export interface CoreV1Probe { exec?: CoreV1ExecAction; failureThreshold?: number; grpc?: CoreV1GRPCAction; httpGet?: CoreV1HTTPGetAction; initialDelaySeconds?: number; periodSeconds?: number; successThreshold?: number; tcpSocket?: CoreV1TCPSocketAction; terminationGracePeriodSeconds?: number; timeoutSeconds?: number }
export interface CoreV1ProjectedVolumeSource { defaultMode?: number; sources?: Array<CoreV1VolumeProjection> }
export interface CoreV1QuobyteVolumeSource { group?: string; readOnly?: boolean; registry: string; tenant?: string; user?: string; volume: string }
export interface CoreV1RBDPersistentVolumeSource { fsType?: string; image: string; keyring?: string; monitors: Array<string>; pool?: string; readOnly?: boolean; secretRef?: CoreV1SecretReference; user?: string }
export interface CoreV1RBDVolumeSource { fsType?: string; image: string; keyring?: string; monitors: Array<string>; pool?: string; readOnly?: boolean; secretRef?: CoreV1LocalObjectReference; user?: string }
export interface CoreV1ReplicationController { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: CoreV1ReplicationControllerSpec; status?: CoreV1ReplicationControllerStatus }
export interface CoreV1ReplicationControllerCondition { lastTransitionTime?: string; message?: string; reason?: string; status: string; type: string }
export interface CoreV1ReplicationControllerSpec { minReadySeconds?: number; replicas?: number; selector?: Record<string, string>; template?: CoreV1PodTemplateSpec }
export interface CoreV1ReplicationControllerStatus { availableReplicas?: number; conditions?: Array<CoreV1ReplicationControllerCondition>; fullyLabeledReplicas?: number; observedGeneration?: number; readyReplicas?: number; replicas: number }
export interface CoreV1ResourceClaim { name: string; request?: string }
export interface CoreV1ResourceFieldSelector { containerName?: string; divisor?: string | number; resource: string }
export interface CoreV1ResourceHealth { health?: string; message?: string; resourceID: string }
export interface CoreV1ResourceQuota { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: CoreV1ResourceQuotaSpec; status?: CoreV1ResourceQuotaStatus }
export interface CoreV1ResourceQuotaSpec { hard?: Record<string, string | number>; scopeSelector?: CoreV1ScopeSelector; scopes?: Array<string> }
export interface CoreV1ResourceQuotaStatus { hard?: Record<string, string | number>; used?: Record<string, string | number> }
export interface CoreV1ResourceRequirements { claims?: Array<CoreV1ResourceClaim>; limits?: Record<string, string | number>; requests?: Record<string, string | number> }
export interface CoreV1ResourceStatus { name: string; resources?: Array<CoreV1ResourceHealth> }
export interface CoreV1SELinuxOptions { level?: string; role?: string; type?: string; user?: string }
export interface CoreV1ScaleIOPersistentVolumeSource { fsType?: string; gateway: string; protectionDomain?: string; readOnly?: boolean; secretRef: CoreV1SecretReference; sslEnabled?: boolean; storageMode?: string; storagePool?: string; system: string; volumeName?: string }
export interface CoreV1ScaleIOVolumeSource { fsType?: string; gateway: string; protectionDomain?: string; readOnly?: boolean; secretRef: CoreV1LocalObjectReference; sslEnabled?: boolean; storageMode?: string; storagePool?: string; system: string; volumeName?: string }
export interface CoreV1ScopeSelector { matchExpressions?: Array<CoreV1ScopedResourceSelectorRequirement> }
export interface CoreV1ScopedResourceSelectorRequirement { operator: string; scopeName: string; values?: Array<string> }
export interface CoreV1SeccompProfile { localhostProfile?: string; type: string }
export interface CoreV1Secret { apiVersion?: string; data?: Record<string, string>; immutable?: boolean; kind?: string; metadata?: MetaV1ObjectMeta; stringData?: Record<string, string>; type?: string }
export interface CoreV1SecretEnvSource { name?: string; optional?: boolean }
export interface CoreV1SecretKeySelector { key: string; name?: string; optional?: boolean }
export interface CoreV1SecretProjection { items?: Array<CoreV1KeyToPath>; name?: string; optional?: boolean }
export interface CoreV1SecretReference { name?: string; namespace?: string }
export interface CoreV1SecretVolumeSource { defaultMode?: number; items?: Array<CoreV1KeyToPath>; optional?: boolean; secretName?: string }
export interface CoreV1SecurityContext { allowPrivilegeEscalation?: boolean; appArmorProfile?: CoreV1AppArmorProfile; capabilities?: CoreV1Capabilities; privileged?: boolean; procMount?: string; readOnlyRootFilesystem?: boolean; runAsGroup?: number; runAsNonRoot?: boolean; runAsUser?: number; seLinuxOptions?: CoreV1SELinuxOptions; seccompProfile?: CoreV1SeccompProfile; windowsOptions?: CoreV1WindowsSecurityContextOptions }
export interface CoreV1Service { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: CoreV1ServiceSpec; status?: CoreV1ServiceStatus }
export interface CoreV1ServiceAccount { apiVersion?: string; automountServiceAccountToken?: boolean; imagePullSecrets?: Array<CoreV1LocalObjectReference>; kind?: string; metadata?: MetaV1ObjectMeta; secrets?: Array<CoreV1ObjectReference> }
export interface CoreV1ServiceAccountTokenProjection { audience?: string; expirationSeconds?: number; path: string }
export interface CoreV1ServicePort { appProtocol?: string; name?: string; nodePort?: number; port: number; protocol?: string; targetPort?: number | string }
export interface CoreV1ServiceSpec { allocateLoadBalancerNodePorts?: boolean; clusterIP?: string; clusterIPs?: Array<string>; externalIPs?: Array<string>; externalName?: string; externalTrafficPolicy?: string; healthCheckNodePort?: number; internalTrafficPolicy?: string; ipFamilies?: Array<string>; ipFamilyPolicy?: string; loadBalancerClass?: string; loadBalancerIP?: string; loadBalancerSourceRanges?: Array<string>; ports?: Array<CoreV1ServicePort>; publishNotReadyAddresses?: boolean; selector?: Record<string, string>; sessionAffinity?: string; sessionAffinityConfig?: CoreV1SessionAffinityConfig; trafficDistribution?: string; type?: string }
export interface CoreV1ServiceStatus { conditions?: Array<MetaV1Condition>; loadBalancer?: CoreV1LoadBalancerStatus }
export interface CoreV1SessionAffinityConfig { clientIP?: CoreV1ClientIPConfig }
export interface CoreV1SleepAction { seconds: number }
export interface CoreV1StorageOSPersistentVolumeSource { fsType?: string; readOnly?: boolean; secretRef?: CoreV1ObjectReference; volumeName?: string; volumeNamespace?: string }
export interface CoreV1StorageOSVolumeSource { fsType?: string; readOnly?: boolean; secretRef?: CoreV1LocalObjectReference; volumeName?: string; volumeNamespace?: string }
export interface CoreV1Sysctl { name: string; value: string }
export interface CoreV1TCPSocketAction { host?: string; port: number | string }
export interface CoreV1Taint { effect: string; key: string; timeAdded?: string; value?: string }
export interface CoreV1Toleration { effect?: string; key?: string; operator?: string; tolerationSeconds?: number; value?: string }
export interface CoreV1TopologySelectorLabelRequirement { key: string; values: Array<string> }
export interface CoreV1TopologySelectorTerm { matchLabelExpressions?: Array<CoreV1TopologySelectorLabelRequirement> }
export interface CoreV1TopologySpreadConstraint { labelSelector?: MetaV1LabelSelector; matchLabelKeys?: Array<string>; maxSkew: number; minDomains?: number; nodeAffinityPolicy?: string; nodeTaintsPolicy?: string; topologyKey: string; whenUnsatisfiable: string }
export interface CoreV1TypedLocalObjectReference { apiGroup?: string; kind: string; name: string }
export interface CoreV1TypedObjectReference { apiGroup?: string; kind: string; name: string; namespace?: string }
export interface CoreV1Volume { awsElasticBlockStore?: CoreV1AWSElasticBlockStoreVolumeSource; azureDisk?: CoreV1AzureDiskVolumeSource; azureFile?: CoreV1AzureFileVolumeSource; cephfs?: CoreV1CephFSVolumeSource; cinder?: CoreV1CinderVolumeSource; configMap?: CoreV1ConfigMapVolumeSource; csi?: CoreV1CSIVolumeSource; downwardAPI?: CoreV1DownwardAPIVolumeSource; emptyDir?: CoreV1EmptyDirVolumeSource; ephemeral?: CoreV1EphemeralVolumeSource; fc?: CoreV1FCVolumeSource; flexVolume?: CoreV1FlexVolumeSource; flocker?: CoreV1FlockerVolumeSource; gcePersistentDisk?: CoreV1GCEPersistentDiskVolumeSource; gitRepo?: CoreV1GitRepoVolumeSource; glusterfs?: CoreV1GlusterfsVolumeSource; hostPath?: CoreV1HostPathVolumeSource; image?: CoreV1ImageVolumeSource; iscsi?: CoreV1ISCSIVolumeSource; name: string; nfs?: CoreV1NFSVolumeSource; persistentVolumeClaim?: CoreV1PersistentVolumeClaimVolumeSource; photonPersistentDisk?: CoreV1PhotonPersistentDiskVolumeSource; portworxVolume?: CoreV1PortworxVolumeSource; projected?: CoreV1ProjectedVolumeSource; quobyte?: CoreV1QuobyteVolumeSource; rbd?: CoreV1RBDVolumeSource; scaleIO?: CoreV1ScaleIOVolumeSource; secret?: CoreV1SecretVolumeSource; storageos?: CoreV1StorageOSVolumeSource; vsphereVolume?: CoreV1VsphereVirtualDiskVolumeSource }
export interface CoreV1VolumeDevice { devicePath: string; name: string }
export interface CoreV1VolumeMount { mountPath: string; mountPropagation?: string; name: string; readOnly?: boolean; recursiveReadOnly?: string; subPath?: string; subPathExpr?: string }
export interface CoreV1VolumeMountStatus { mountPath: string; name: string; readOnly?: boolean; recursiveReadOnly?: string; volumeStatus?: CoreV1VolumeStatus }
export interface CoreV1VolumeNodeAffinity { required?: CoreV1NodeSelector }
export interface CoreV1VolumeProjection { clusterTrustBundle?: CoreV1ClusterTrustBundleProjection; configMap?: CoreV1ConfigMapProjection; downwardAPI?: CoreV1DownwardAPIProjection; podCertificate?: CoreV1PodCertificateProjection; secret?: CoreV1SecretProjection; serviceAccountToken?: CoreV1ServiceAccountTokenProjection }
export interface CoreV1VolumeResourceRequirements { limits?: Record<string, string | number>; requests?: Record<string, string | number> }
export interface CoreV1VolumeStatus { image?: CoreV1ImageVolumeStatus }
export interface CoreV1VsphereVirtualDiskVolumeSource { fsType?: string; storagePolicyID?: string; storagePolicyName?: string; volumePath: string }
export interface CoreV1WeightedPodAffinityTerm { podAffinityTerm: CoreV1PodAffinityTerm; weight: number }
export interface CoreV1WindowsSecurityContextOptions { gmsaCredentialSpec?: string; gmsaCredentialSpecName?: string; hostProcess?: boolean; runAsUserName?: string }
export interface DiscoveryV1Endpoint { addresses: Array<string>; conditions?: DiscoveryV1EndpointConditions; deprecatedTopology?: Record<string, string>; hints?: DiscoveryV1EndpointHints; hostname?: string; nodeName?: string; targetRef?: CoreV1ObjectReference; zone?: string }
export interface DiscoveryV1EndpointConditions { ready?: boolean; serving?: boolean; terminating?: boolean }
export interface DiscoveryV1EndpointHints { forNodes?: Array<DiscoveryV1ForNode>; forZones?: Array<DiscoveryV1ForZone> }
export interface DiscoveryV1EndpointPort { appProtocol?: string; name?: string; port?: number; protocol?: string }
export interface DiscoveryV1EndpointSlice { addressType: string; apiVersion?: string; endpoints?: Array<DiscoveryV1Endpoint>; kind?: string; metadata?: MetaV1ObjectMeta; ports?: Array<DiscoveryV1EndpointPort> }
export interface DiscoveryV1ForNode { name: string }
export interface DiscoveryV1ForZone { name: string }
export interface EventsV1Event { action?: string; apiVersion?: string; deprecatedCount?: number; deprecatedFirstTimestamp?: string; deprecatedLastTimestamp?: string; deprecatedSource?: CoreV1EventSource; eventTime: string; kind?: string; metadata?: MetaV1ObjectMeta; note?: string; reason?: string; regarding?: CoreV1ObjectReference; related?: CoreV1ObjectReference; reportingController?: string; reportingInstance?: string; series?: EventsV1EventSeries; type?: string }
export interface EventsV1EventSeries { count: number; lastObservedTime: string }
export interface MetaV1Condition { lastTransitionTime: string; message: string; observedGeneration?: number; reason: string; status: string; type: string }
export interface MetaV1DeleteOptions { apiVersion?: string; dryRun?: Array<string>; gracePeriodSeconds?: number; ignoreStoreReadErrorWithClusterBreakingPotential?: boolean; kind?: string; orphanDependents?: boolean; preconditions?: MetaV1Preconditions; propagationPolicy?: string }
export interface MetaV1FieldSelectorRequirement { key: string; operator: string; values?: Array<string> }
export interface MetaV1LabelSelector { matchExpressions?: Array<MetaV1LabelSelectorRequirement>; matchLabels?: Record<string, string> }
export interface MetaV1LabelSelectorRequirement { key: string; operator: string; values?: Array<string> }
export interface MetaV1ListMeta { continue?: string; remainingItemCount?: number; resourceVersion?: string; selfLink?: string; shardInfo?: MetaV1ShardInfo }
export interface MetaV1ManagedFieldsEntry { apiVersion?: string; fieldsType?: string; fieldsV1?: Record<string, unknown>; manager?: string; operation?: string; subresource?: string; time?: string }
export interface MetaV1ObjectMeta { annotations?: Record<string, string>; creationTimestamp?: string; deletionGracePeriodSeconds?: number; deletionTimestamp?: string; finalizers?: Array<string>; generateName?: string; generation?: number; labels?: Record<string, string>; managedFields?: Array<MetaV1ManagedFieldsEntry>; name?: string; namespace?: string; ownerReferences?: Array<MetaV1OwnerReference>; resourceVersion?: string; selfLink?: string; uid?: string }
export interface MetaV1OwnerReference { apiVersion: string; blockOwnerDeletion?: boolean; controller?: boolean; kind: string; name: string; uid: string }
export interface MetaV1Preconditions { resourceVersion?: string; uid?: string }
export interface MetaV1ShardInfo { selector: string }
export interface MetaV1Status { apiVersion?: string; code?: number; details?: MetaV1StatusDetails; kind?: string; message?: string; metadata?: MetaV1ListMeta; reason?: string; status?: string }
export interface MetaV1StatusCause { field?: string; message?: string; reason?: string }
export interface MetaV1StatusDetails { causes?: Array<MetaV1StatusCause>; group?: string; kind?: string; name?: string; retryAfterSeconds?: number; uid?: string }
export interface NetworkingV1HTTPIngressPath { backend: NetworkingV1IngressBackend; path?: string; pathType: string }
export interface NetworkingV1HTTPIngressRuleValue { paths: Array<NetworkingV1HTTPIngressPath> }
export interface NetworkingV1IPAddress { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec: NetworkingV1IPAddressSpec }
export interface NetworkingV1IPAddressSpec { parentRef: NetworkingV1ParentReference }
export interface NetworkingV1IPBlock { cidr: string; except?: Array<string> }
export interface NetworkingV1Ingress { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: NetworkingV1IngressSpec; status?: NetworkingV1IngressStatus }
export interface NetworkingV1IngressBackend { resource?: CoreV1TypedLocalObjectReference; service?: NetworkingV1IngressServiceBackend }
export interface NetworkingV1IngressClass { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: NetworkingV1IngressClassSpec }
export interface NetworkingV1IngressClassParametersReference { apiGroup?: string; kind: string; name: string; namespace?: string; scope?: string }
export interface NetworkingV1IngressClassSpec { controller?: string; parameters?: NetworkingV1IngressClassParametersReference }
export interface NetworkingV1IngressLoadBalancerIngress { hostname?: string; ip?: string; ports?: Array<NetworkingV1IngressPortStatus> }
export interface NetworkingV1IngressLoadBalancerStatus { ingress?: Array<NetworkingV1IngressLoadBalancerIngress> }
export interface NetworkingV1IngressPortStatus { error?: string; port: number; protocol: string }
export interface NetworkingV1IngressRule { host?: string; http?: NetworkingV1HTTPIngressRuleValue }
export interface NetworkingV1IngressServiceBackend { name: string; port?: NetworkingV1ServiceBackendPort }
export interface NetworkingV1IngressSpec { defaultBackend?: NetworkingV1IngressBackend; ingressClassName?: string; rules?: Array<NetworkingV1IngressRule>; tls?: Array<NetworkingV1IngressTLS> }
export interface NetworkingV1IngressStatus { loadBalancer?: NetworkingV1IngressLoadBalancerStatus }
export interface NetworkingV1IngressTLS { hosts?: Array<string>; secretName?: string }
export interface NetworkingV1NetworkPolicy { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: NetworkingV1NetworkPolicySpec }
export interface NetworkingV1NetworkPolicyEgressRule { ports?: Array<NetworkingV1NetworkPolicyPort>; to?: Array<NetworkingV1NetworkPolicyPeer> }
export interface NetworkingV1NetworkPolicyIngressRule { from?: Array<NetworkingV1NetworkPolicyPeer>; ports?: Array<NetworkingV1NetworkPolicyPort> }
export interface NetworkingV1NetworkPolicyPeer { ipBlock?: NetworkingV1IPBlock; namespaceSelector?: MetaV1LabelSelector; podSelector?: MetaV1LabelSelector }
export interface NetworkingV1NetworkPolicyPort { endPort?: number; port?: number | string; protocol?: string }
export interface NetworkingV1NetworkPolicySpec { egress?: Array<NetworkingV1NetworkPolicyEgressRule>; ingress?: Array<NetworkingV1NetworkPolicyIngressRule>; podSelector?: MetaV1LabelSelector; policyTypes?: Array<string> }
export interface NetworkingV1ParentReference { group?: string; name: string; namespace?: string; resource: string }
export interface NetworkingV1ServiceBackendPort { name?: string; number?: number }
export interface NetworkingV1ServiceCIDR { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: NetworkingV1ServiceCIDRSpec; status?: NetworkingV1ServiceCIDRStatus }
export interface NetworkingV1ServiceCIDRSpec { cidrs?: Array<string> }
export interface NetworkingV1ServiceCIDRStatus { conditions?: Array<MetaV1Condition> }
export interface PolicyV1Eviction { apiVersion?: string; deleteOptions?: MetaV1DeleteOptions; kind?: string; metadata?: MetaV1ObjectMeta }
export interface PolicyV1PodDisruptionBudget { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; spec?: PolicyV1PodDisruptionBudgetSpec; status?: PolicyV1PodDisruptionBudgetStatus }
export interface PolicyV1PodDisruptionBudgetSpec { maxUnavailable?: number | string; minAvailable?: number | string; selector?: MetaV1LabelSelector; unhealthyPodEvictionPolicy?: string }
export interface PolicyV1PodDisruptionBudgetStatus { conditions?: Array<MetaV1Condition>; currentHealthy?: number; desiredHealthy?: number; disruptedPods?: Record<string, string>; disruptionsAllowed?: number; expectedPods?: number; observedGeneration?: number }
export interface RbacV1AggregationRule { clusterRoleSelectors?: Array<MetaV1LabelSelector> }
export interface RbacV1ClusterRole { aggregationRule?: RbacV1AggregationRule; apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; rules?: Array<RbacV1PolicyRule> }
export interface RbacV1ClusterRoleBinding { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; roleRef: RbacV1RoleRef; subjects?: Array<RbacV1Subject> }
export interface RbacV1PolicyRule { apiGroups?: Array<string>; nonResourceURLs?: Array<string>; resourceNames?: Array<string>; resources?: Array<string>; verbs: Array<string> }
export interface RbacV1Role { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; rules?: Array<RbacV1PolicyRule> }
export interface RbacV1RoleBinding { apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; roleRef: RbacV1RoleRef; subjects?: Array<RbacV1Subject> }
export interface RbacV1RoleRef { apiGroup?: string; kind: string; name: string }
export interface RbacV1Subject { apiGroup?: string; kind: string; name: string; namespace?: string }
export interface SchedulingV1PriorityClass { apiVersion?: string; description?: string; globalDefault?: boolean; kind?: string; metadata?: MetaV1ObjectMeta; preemptionPolicy?: string; value?: number }
export interface StorageV1StorageClass { allowVolumeExpansion?: boolean; allowedTopologies?: Array<CoreV1TopologySelectorTerm>; apiVersion?: string; kind?: string; metadata?: MetaV1ObjectMeta; mountOptions?: Array<string>; parameters?: Record<string, string>; provisioner: string; reclaimPolicy?: string; volumeBindingMode?: string }
